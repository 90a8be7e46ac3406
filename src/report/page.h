/*
 * page: the fixed parts of the HTML page, as text: files of src/report that page.awk made strings
 * of when the program was built.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

extern const char page_frame[];	 /* page.html; @word@ marks where a part goes */
extern const char page_style[];	 /* page.css */
extern const char page_script[]; /* page.js */

#endif
