static inline int twice(int value) {
  return value + value;
}
