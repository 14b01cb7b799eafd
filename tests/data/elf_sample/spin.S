  .syntax unified
  .thumb
  .section .text.spin,"ax",%progbits
  .global spin
spin:
  subs r0, #1
  bne spin
  bx lr
  .word 0x12345678
