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
	.section	.text._RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelhEEB4_,"ax",%progbits
	.globl	_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelhEEB4_
	.p2align	1
	.type	_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelhEEB4_,%function
	.code	16
	.thumb_func
_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelhEEB4_:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	mov	r0, r1
	pop	{r7, pc}
.Lfunc_end0:
	.size	_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelhEEB4_, .Lfunc_end0-_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelhEEB4_
	.cantunwind
	.fnend

	.section	.text._RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelmEEB4_,"ax",%progbits
	.globl	_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelmEEB4_
	.p2align	1
	.type	_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelmEEB4_,%function
	.code	16
	.thumb_func
_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelmEEB4_:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	pop.w	{r7, lr}
	b	_RNvXs_NtCse07kidgauxa_10rust_names5motorINtB4_5WheelmENtB4_5Drive5drive
.Lfunc_end1:
	.size	_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelmEEB4_, .Lfunc_end1-_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelmEEB4_
	.cantunwind
	.fnend

	.section	.text._RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelhE5turnsB4_,"ax",%progbits
	.globl	_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelhE5turnsB4_
	.p2align	1
	.type	_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelhE5turnsB4_,%function
	.code	16
	.thumb_func
_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelhE5turnsB4_:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	ldrb	r0, [r0]
	pop	{r7, pc}
.Lfunc_end2:
	.size	_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelhE5turnsB4_, .Lfunc_end2-_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelhE5turnsB4_
	.cantunwind
	.fnend

	.section	.text._RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelmE5turnsB4_,"ax",%progbits
	.globl	_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelmE5turnsB4_
	.p2align	1
	.type	_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelmE5turnsB4_,%function
	.code	16
	.thumb_func
_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelmE5turnsB4_:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	ldr	r0, [r0]
	pop	{r7, pc}
.Lfunc_end3:
	.size	_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelmE5turnsB4_, .Lfunc_end3-_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelmE5turnsB4_
	.cantunwind
	.fnend

	.section	.text._RNvXs0_NtCse07kidgauxa_10rust_names5motorINtB5_5WheelhENtB5_5Drive5drive,"ax",%progbits
	.globl	_RNvXs0_NtCse07kidgauxa_10rust_names5motorINtB5_5WheelhENtB5_5Drive5drive
	.p2align	1
	.type	_RNvXs0_NtCse07kidgauxa_10rust_names5motorINtB5_5WheelhENtB5_5Drive5drive,%function
	.code	16
	.thumb_func
_RNvXs0_NtCse07kidgauxa_10rust_names5motorINtB5_5WheelhENtB5_5Drive5drive:
	.fnstart
	.save	{r7, lr}
	push	{r7, lr}
	.setfp	r7, sp
	mov	r7, sp
	mov	r0, r1
	pop	{r7, pc}
.Lfunc_end4:
	.size	_RNvXs0_NtCse07kidgauxa_10rust_names5motorINtB5_5WheelhENtB5_5Drive5drive, .Lfunc_end4-_RNvXs0_NtCse07kidgauxa_10rust_names5motorINtB5_5WheelhENtB5_5Drive5drive
	.cantunwind
	.fnend

	.section	.text._RNvXs_NtCse07kidgauxa_10rust_names5motorINtB4_5WheelmENtB4_5Drive5drive,"ax",%progbits
	.globl	_RNvXs_NtCse07kidgauxa_10rust_names5motorINtB4_5WheelmENtB4_5Drive5drive
	.p2align	1
	.type	_RNvXs_NtCse07kidgauxa_10rust_names5motorINtB4_5WheelmENtB4_5Drive5drive,%function
	.code	16
	.thumb_func
_RNvXs_NtCse07kidgauxa_10rust_names5motorINtB4_5WheelmENtB4_5Drive5drive:
	.fnstart
	.save	{r4, r6, r7, lr}
	push	{r4, r6, r7, lr}
	.setfp	r7, sp, #8
	add	r7, sp, #8
	mov	r4, r1
	bl	_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelmE5turnsB4_
	ands	r0, r4
	pop	{r4, r6, r7, pc}
.Lfunc_end5:
	.size	_RNvXs_NtCse07kidgauxa_10rust_names5motorINtB4_5WheelmENtB4_5Drive5drive, .Lfunc_end5-_RNvXs_NtCse07kidgauxa_10rust_names5motorINtB4_5WheelmENtB4_5Drive5drive
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
	bl	_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelmEEB4_
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
