/* A newlib program as users write it: printf, arguments, exit code (the first argument, else 0). */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    printf("hello from the simulated Cortex-M7, pi is %.4f\n", 3.14159265);
    for (int i = 1; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    fprintf(stderr, "on stderr\n");
    return argc > 1 ? atoi(argv[1]) : 0;
}
