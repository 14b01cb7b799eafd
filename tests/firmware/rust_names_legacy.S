	.syntax	unified
	.eabi_attribute	67, "2.09"
	.eabi_attribute	6, 13
	.eabi_attribute	7, 77
	.eabi_attribute	8, 0
	.eabi_attribute	9, 2
	.fpu	fpv4-sp-d16
	.eabi_attribute	27, 1
	.eabi_attribute	36, 1
	.eabi_attribute	34, 1
	.eabi_attribute	17, 1
	.eabi_attribute	20, 1
	.eabi_attribute	21, 1
	.eabi_attribute	23, 3
	.eabi_attribute	24, 1
	.eabi_attribute	25, 1
	.eabi_attribute	28, 1
	.eabi_attribute	38, 1
	.eabi_attribute	14, 0
	.file	"rust_names.a316bf9f920c4512-cgu.0"
	.section	".text._ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h0f9288b8deed63fbE","ax",%progbits
	.globl	_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h0f9288b8deed63fbE
	.p2align	1
	.type	_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h0f9288b8deed63fbE,%function
	.code	16
	.thumb_func
_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h0f9288b8deed63fbE:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	ldr	r0, [r0]
	pop	{r7, pc}
.Lfunc_end0:
	.size	_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h0f9288b8deed63fbE, .Lfunc_end0-_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h0f9288b8deed63fbE
	.cantunwind
	.fnend

	.section	".text._ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h1473ba5f23677448E","ax",%progbits
	.globl	_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h1473ba5f23677448E
	.p2align	1
	.type	_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h1473ba5f23677448E,%function
	.code	16
	.thumb_func
_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h1473ba5f23677448E:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	ldrb	r0, [r0]
	pop	{r7, pc}
.Lfunc_end1:
	.size	_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h1473ba5f23677448E, .Lfunc_end1-_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h1473ba5f23677448E
	.cantunwind
	.fnend

	.section	.text._ZN10rust_names5motor5twice17h1a89b0bb5e794797E,"ax",%progbits
	.globl	_ZN10rust_names5motor5twice17h1a89b0bb5e794797E
	.p2align	1
	.type	_ZN10rust_names5motor5twice17h1a89b0bb5e794797E,%function
	.code	16
	.thumb_func
_ZN10rust_names5motor5twice17h1a89b0bb5e794797E:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	pop.w	{r7, lr}
	b	_ZN80_$LT$rust_names..motor..Wheel$LT$u32$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17hf2b02c05efacfaa4E
.Lfunc_end2:
	.size	_ZN10rust_names5motor5twice17h1a89b0bb5e794797E, .Lfunc_end2-_ZN10rust_names5motor5twice17h1a89b0bb5e794797E
	.cantunwind
	.fnend

	.section	.text._ZN10rust_names5motor5twice17h5ed1bc7cee2944edE,"ax",%progbits
	.globl	_ZN10rust_names5motor5twice17h5ed1bc7cee2944edE
	.p2align	1
	.type	_ZN10rust_names5motor5twice17h5ed1bc7cee2944edE,%function
	.code	16
	.thumb_func
_ZN10rust_names5motor5twice17h5ed1bc7cee2944edE:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	mov	r0, r1
	pop	{r7, pc}
.Lfunc_end3:
	.size	_ZN10rust_names5motor5twice17h5ed1bc7cee2944edE, .Lfunc_end3-_ZN10rust_names5motor5twice17h5ed1bc7cee2944edE
	.cantunwind
	.fnend

	.section	".text._ZN79_$LT$rust_names..motor..Wheel$LT$u8$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17h943e99dc7254cbbfE","ax",%progbits
	.globl	_ZN79_$LT$rust_names..motor..Wheel$LT$u8$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17h943e99dc7254cbbfE
	.p2align	1
	.type	_ZN79_$LT$rust_names..motor..Wheel$LT$u8$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17h943e99dc7254cbbfE,%function
	.code	16
	.thumb_func
_ZN79_$LT$rust_names..motor..Wheel$LT$u8$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17h943e99dc7254cbbfE:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	mov	r0, r1
	pop	{r7, pc}
.Lfunc_end4:
	.size	_ZN79_$LT$rust_names..motor..Wheel$LT$u8$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17h943e99dc7254cbbfE, .Lfunc_end4-_ZN79_$LT$rust_names..motor..Wheel$LT$u8$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17h943e99dc7254cbbfE
	.cantunwind
	.fnend

	.section	".text._ZN80_$LT$rust_names..motor..Wheel$LT$u32$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17hf2b02c05efacfaa4E","ax",%progbits
	.globl	_ZN80_$LT$rust_names..motor..Wheel$LT$u32$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17hf2b02c05efacfaa4E
	.p2align	1
	.type	_ZN80_$LT$rust_names..motor..Wheel$LT$u32$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17hf2b02c05efacfaa4E,%function
	.code	16
	.thumb_func
_ZN80_$LT$rust_names..motor..Wheel$LT$u32$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17hf2b02c05efacfaa4E:
	.fnstart
	.save	{r4, r6, r7, lr}
	push	{r4, r6, r7, lr}
	.setfp	r7, sp, #8
	add	r7, sp, #8
	mov	r4, r1
	bl	_ZN10rust_names5motor14Wheel$LT$T$GT$5turns17h0f9288b8deed63fbE
	ands	r0, r4
	pop	{r4, r6, r7, pc}
.Lfunc_end5:
	.size	_ZN80_$LT$rust_names..motor..Wheel$LT$u32$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17hf2b02c05efacfaa4E, .Lfunc_end5-_ZN80_$LT$rust_names..motor..Wheel$LT$u32$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive17hf2b02c05efacfaa4E
	.cantunwind
	.fnend

	.section	.text.main,"ax",%progbits
	.globl	main
	.p2align	1
	.type	main,%function
	.code	16
	.thumb_func
main:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	.pad	#8
	sub	sp, #8
	movs	r0, #7
	str	r0, [sp, #4]
	add	r0, sp, #4
	movs	r1, #8
	bl	_ZN10rust_names5motor5twice17h1a89b0bb5e794797E
	and	r0, r0, #1
	add	sp, #8
	pop	{r7, pc}
.Lfunc_end6:
	.size	main, .Lfunc_end6-main
	.cantunwind
	.fnend

	.ident	"rustc version 1.95.0 (59807616e 2026-04-14)"
	.section	".note.GNU-stack","",%progbits
	.eabi_attribute	30, 1
