/* arrays.S: room that mcusim writes the network and its input to. In a file of its own, so that no compiler
 * takes them for zeros; as constants, so that the ELF file has their bytes. */
    .section .rodata.mcusim_model, "a"
    .balign 16
    .global mcusim_model
    .type mcusim_model, %object
    .size mcusim_model, MODEL_BYTES
mcusim_model:
    .space MODEL_BYTES

    .section .rodata.mcusim_input, "a"
    .balign 16
    .global mcusim_input
    .type mcusim_input, %object
    .size mcusim_input, INPUT_BYTES
mcusim_input:
    .space INPUT_BYTES

    .section .rodata.mcusim_input_bytes, "a"
    .balign 4
    .global mcusim_input_bytes
    .type mcusim_input_bytes, %object
    .size mcusim_input_bytes, 4
mcusim_input_bytes:
    .word INPUT_BYTES
