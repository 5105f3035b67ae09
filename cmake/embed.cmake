# cmake -DIN=FILE -DOUT=FILE.c -DHEADER=FILE.h -DNAME=NAME -P embed.cmake: the bytes of FILE as the array NAME and its size
# NAME_bytes, both declared in HEADER.
file(READ ${IN} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUT} "#include \"${HEADER}\"\nconst unsigned char ${NAME}[] = {\n${bytes}};\n"
  "const size_t ${NAME}_bytes = sizeof ${NAME};\n")
