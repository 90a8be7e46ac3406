/* main: the entry that libFuzzer and AFL++ call; the build names the target
 * (-DFUZZ_TARGET=fuzz_decode). */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#ifdef __AFL_COMPILER
/* Its inputs lie in a buffer that goes on behind them: a sanitizer wants them by themselves. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *fit = malloc(len ? len : 1);

	if (!fit)
		return 0;
	memcpy(fit, data, len);
	FUZZ_TARGET(fit, len);
	free(fit);
	return 0;
}
#else
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return FUZZ_TARGET(data, len);
}
#endif
