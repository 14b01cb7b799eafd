// Every kind of name that C++ gives a function: templates, overloads, operators, lambdas, local and
// anonymous scopes, constructors and destructors in several copies, clones, aliases, and statics
// that another file has, too. The exit code is 0 when all of them returned what they should.
#include <stddef.h>
#include <stdint.h>

#define OUT_OF_LINE __attribute__((noinline, noclone))

extern "C" int main(void);
int other_file(int x);  // names_other.cpp

static volatile int one = 1;

void operator delete(void *) noexcept { one = 1; }
void operator delete(void *, size_t) noexcept { one = 1; }
extern "C" void __cxa_pure_virtual() { for (;;) {} }

static int table[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static OUT_OF_LINE int helper(int x) { return table[(x + one) & 7]; }

namespace {
OUT_OF_LINE int hidden(int x) { return x * one + 1; }
}  // namespace

namespace ns {

int shared_table[4] = {4, 3, 2, 1};

OUT_OF_LINE int f(int x) { return x + one; }
OUT_OF_LINE int f(char x) { return x - one; }
OUT_OF_LINE int f(int x, const char *text) { return x + text[one]; }
OUT_OF_LINE int f(int (*callback)(int), int x) { return callback(x) + one; }

template <class T> struct Box {
    T value;
    explicit OUT_OF_LINE Box(T from) : value(from) { one = 1; }
    OUT_OF_LINE T get() const { return value * static_cast<T>(one); }
    template <class U> OUT_OF_LINE U as(U plus) const { return static_cast<U>(value) + plus; }
    OUT_OF_LINE T operator()(T x) { return value + x; }
    OUT_OF_LINE T &operator[](int index) { one = index; return value; }
    OUT_OF_LINE bool operator==(const Box &with) const { return value == with.value; }
    OUT_OF_LINE bool operator<(const Box &with) const { return value < with.value; }
    OUT_OF_LINE Box operator+(const Box &with) const { return Box(value + with.value); }
    OUT_OF_LINE operator int() const { return static_cast<int>(value) + one; }
};

template <class T> OUT_OF_LINE T largest(T a, T b) { return a * static_cast<T>(one) < b ? b : a; }

OUT_OF_LINE int sum() { return one - 1; }
template <class First, class... Rest> OUT_OF_LINE int sum(First first, Rest... rest)
{
    return static_cast<int>(first) + sum(rest...);
}

struct Base {
    int kept;
    OUT_OF_LINE Base() : kept(one) {}
    virtual OUT_OF_LINE ~Base() { one = 1; }
    virtual int area(int x) const = 0;
};

// A virtual base makes two different constructors and destructors, complete and of a base.
struct Middle : virtual Base {
    int own;
    OUT_OF_LINE Middle() : own(kept + one) {}
    OUT_OF_LINE ~Middle() override { one = own - 1; }
    OUT_OF_LINE int area(int x) const override { return x * own; }
};

struct Square : Middle {
    OUT_OF_LINE Square() { own += one; }
    OUT_OF_LINE ~Square() override { one = 1; }
    OUT_OF_LINE int area(int x) const override { return x * x * one; }
};

// Twice the same code under two names, one of them weak.
extern "C" OUT_OF_LINE int plain_sum(int a, int b) { return a + b + one; }
extern "C" int weak_sum(int a, int b) __attribute__((weak, alias("plain_sum"), copy(plain_sum)));

namespace detail {
// Called with one constant only: the compiler makes a clone of its own, .constprop.0.
static __attribute__((noinline)) int scaled(int x, int by, const int *from)
{
    int sum = 0;
    for (int i = 0; i < by; i++)
        sum += from[i] * x;
    return sum;
}
}  // namespace detail

OUT_OF_LINE int area_of(const Base &shape) { return shape.area(3); }

}  // namespace ns

static OUT_OF_LINE int in_main_file()
{
    struct Local {
        static OUT_OF_LINE int twice(int x) { return 2 * x * one; }
    };
    auto add = [](int x) __attribute__((noinline, noclone)) { return x + one; };
    auto any = [](auto x) __attribute__((noinline, noclone)) { return static_cast<int>(x) + one; };
    return Local::twice(2) + add(3) + any(4) + any(5.0f);  // 4 + 4 + 5 + 6
}

int main(void)
{
    int wrong = 0;
    ns::Box<int> four(4), two(2);
    ns::Box<float> half(0.5f);
    wrong += helper(1) != 3;
    wrong += hidden(2) != 3;
    wrong += ns::f(1) != 2;
    wrong += ns::f('b') != 'a';
    wrong += ns::f(1, "ab") != 1 + 'b';
    wrong += ns::f(hidden, 2) != 4;
    wrong += four.get() != 4;
    wrong += half.get() != 0.5f;
    wrong += four.as<int>(1) != 5;
    wrong += four.as<float>(0.5f) != 4.5f;
    wrong += four(1) != 5;
    wrong += four[1] != 4;
    wrong += four == two;
    wrong += four < two;
    wrong += (four + two).get() != 6;
    wrong += static_cast<int>(four) != 5;
    wrong += ns::largest(1, 2) != 2;
    wrong += ns::largest(1.0f, 2.0f) != 2.0f;
    wrong += ns::sum(1, 2.0f, '\3') != 6;
    wrong += ns::shared_table[one] != 3;
    {
        ns::Square square;
        ns::Middle middle;
        wrong += ns::area_of(square) != 9;
        wrong += ns::area_of(middle) != 6;
    }
    wrong += ns::plain_sum(1, 2) != 4;
    wrong += ns::weak_sum(2, 2) != 5;
    wrong += ns::detail::scaled(one, 4, ns::shared_table) != 10;
    wrong += ns::detail::scaled(one + 1, 4, ns::shared_table) != 20;
    wrong += in_main_file() != 19;
    wrong += other_file(1) != 12;
    return wrong;
}
