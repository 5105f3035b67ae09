# cmake -DIN=FILE -DOUT=FILE.c -P embed.cmake: the bytes of FILE as the array that env/torcs.h declares.
file(READ ${IN} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUT} "#include \"env/torcs.h\"\nconst unsigned char jd__torcs_driver[] = {\n${bytes}};\n"
  "const size_t jd__torcs_driver_bytes = sizeof jd__torcs_driver;\n")
