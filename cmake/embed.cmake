# Writes an assembler file that holds the file INPUT between the symbols SYMBOL_begin and SYMBOL_end.
file(WRITE ${OUTPUT} "
    .section .rodata
    .global ${SYMBOL}_begin
    .global ${SYMBOL}_end
    .balign 16
${SYMBOL}_begin:
    .incbin \"${INPUT}\"
${SYMBOL}_end:
    .byte 0
    .section .note.GNU-stack,\"\",@progbits
")
