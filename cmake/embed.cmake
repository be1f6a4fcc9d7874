# Writes an assembler file that holds INPUT between the symbols trainyard_descriptors_begin and _end.
file(WRITE ${OUTPUT} "
    .section .rodata
    .global trainyard_descriptors_begin
    .global trainyard_descriptors_end
    .balign 16
trainyard_descriptors_begin:
    .incbin \"${INPUT}\"
trainyard_descriptors_end:
    .byte 0
    .section .note.GNU-stack,\"\",@progbits
")
