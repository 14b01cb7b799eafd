#include "sample.h"
int table[4] = {3, 1, 4, 1};
int counter;
__attribute__((noinline)) int scale(const int *values, int count) {
  int sum = 0;
  for (int i = 0; i < count; i++)
    sum += twice(values[i]);
  return sum;
}
__attribute__((noinline)) static int helper(int value) {
  return value > 0 ? value * counter : scale(table, 4);
}
void Reset_Handler(void) {
  counter = helper(scale(table, 4));
  for (;;) {}
}
__attribute__((section(".isr_vector"), used)) void *const vectors[] = {(void *)0x20010000, Reset_Handler};
