/* test_stackhost: the fake hosts answer as stacks.conf says, before anything is judged by them. */
#include "unit/unit.h"
int main(void) { return 0; }
