# page.awk: text files as C strings, so that the program carries its page with it. Each file becomes
# one array, named by what stands before it on the command line:
#     awk -f page.awk name=page_style page.css name=page_script page.js >page_text.c
# Plain POSIX awk: it runs wherever the program is built.
BEGIN {
	print "/* page_text: what the page is made of, from src/report/page.{html,css,js}. */"
	print "#include \"report/page.h\""
}
FNR == 1 {
	if (begun)
		print "    ;"
	printf "\nconst char %s[] =\n", name
	begun = 1
}
{
	# every awk agrees on && and on plain strings, not on backslashes in replacements
	gsub(/\\/, "&&")
	n = split($0, part, "\"")
	line = part[1]
	for (i = 2; i <= n; i++)
		line = line "\\\"" part[i]
	print "    \"" line "\\n\""
}
END {
	print "    ;"
}
