// A static function, a table and a hidden function of the same names as those of names.cpp.
#define OUT_OF_LINE __attribute__((noinline, noclone))

static volatile int ten = 10;
static int table[2] = {10, 11};

static OUT_OF_LINE int helper(int x) { return table[x & 1] * ten / 10; }

namespace {
OUT_OF_LINE int hidden(int x) { return x * ten / 10; }
}  // namespace

int other_file(int x) { return helper(x) + hidden(x); }
