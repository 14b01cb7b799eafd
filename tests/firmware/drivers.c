/* Devices as drivers use them: flash that is programmed, a CRC, an I2C and an SPI with nobody on the bus, timers that
 * interrupt. Each check prints its name when it fails; main returns how many did. -DH7 for an STM32H7. */
#include <stdint.h>

#include "semihost.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define BYTE(address) (*(volatile uint8_t *)(address))
#define HALF(address) (*(volatile uint16_t *)(address))
#define VTOR REG(0xE000ED08)
#define ISER(n) REG(0xE000E100 + 4 * (n))
#define DEMCR REG(0xE000EDFC)
#define DWT_CTRL REG(0xE0001000)
#define CYCCNT REG(0xE0001004)
#define TURNS 10000

#ifdef H7
#define FLASH 0x52002000
#define CONTROL (FLASH + 0x0C)
#define STATUS (FLASH + 0x10)
#define LOCKED 1u
#define PROGRAM 2u
#define ERASE_SECTOR(n) (4u | (n) << 8)
#define START (1u << 7)
#define BUSY 7u
#define SECTOR 7u
#define SECTOR_ADDRESS 0x080E0000
#define CRC 0x58024C00
#else
#define FLASH 0x40023C00
#define CONTROL (FLASH + 0x10)
#define STATUS (FLASH + 0x0C)
#define LOCKED (1u << 31)
#define PROGRAM 1u
#define ERASE_SECTOR(n) (2u | (n) << 3)
#define START (1u << 16)
#define BUSY (1u << 16)
#define SECTOR 7u
#define SECTOR_ADDRESS 0x080C0000
#define CRC 0x40023000
#endif
#define I2C 0x40005400
#define SPI 0x40013000
#define TIM2 0x40000000
#define TIM1 0x40010000

static int failed;

static void check(const char *name, int right)
{
    if (right)
        return;
    failed++;
    semihost_write(name);
    semihost_write("\n");
}

/* Whether bits of a register read so within some turns. */
static int comes(uint32_t address, uint32_t mask, uint32_t value)
{
    for (int turn = 0; turn < TURNS; turn++)
        if ((REG(address) & mask) == value)
            return 1;
    return 0;
}

/* --- flash --- */

static void unlock(void)
{
    REG(FLASH + 4) = 0x45670123;
    REG(FLASH + 4) = 0xCDEF89AB;
}

static void erase(void)
{
    REG(CONTROL) |= ERASE_SECTOR(SECTOR);
    REG(CONTROL) |= START;
    check("an erase ends", comes(STATUS, BUSY, 0));
    REG(CONTROL) &= ~ERASE_SECTOR(SECTOR);
}

static void check_flash(void)
{
    check("flash begins locked", REG(CONTROL) & LOCKED);
    REG(CONTROL) |= PROGRAM;
    check("a locked register keeps what it is", !(REG(CONTROL) & PROGRAM));
    REG(FLASH + 4) = 0xCDEF89AB;
    check("one key does not open it", REG(CONTROL) & LOCKED);
    unlock();
    check("two keys open it", !(REG(CONTROL) & LOCKED));
    erase();
    REG(CONTROL) |= PROGRAM;
    for (uint32_t i = 0; i < 8; i++)
        REG(SECTOR_ADDRESS + 4 * i) = 0x01020304 + i;
    BYTE(SECTOR_ADDRESS + 33) = 0x5A;
    check("programming ends", comes(STATUS, BUSY, 0));
    REG(CONTROL) &= ~PROGRAM;
    check("the first word", REG(SECTOR_ADDRESS) == 0x01020304);
    check("the last word", REG(SECTOR_ADDRESS + 28) == 0x0102030B);
    check("a byte", REG(SECTOR_ADDRESS + 32) == 0xFFFF5AFF);
    REG(CONTROL) |= PROGRAM;
    REG(SECTOR_ADDRESS) = 0xFFFFFF00;
    REG(CONTROL) &= ~PROGRAM;
    check("programming sets no bit", REG(SECTOR_ADDRESS) == 0x01020300);
    erase();
    check("it is erased", REG(SECTOR_ADDRESS) == 0xFFFFFFFF && REG(SECTOR_ADDRESS + 32) == 0xFFFFFFFF);
    REG(CONTROL) |= LOCKED;
    check("it is locked again", REG(CONTROL) & LOCKED);
}

/* --- CRC: values of the catalogue of parametrised CRC algorithms for "123456789" --- */

static uint32_t crc_of(uint32_t control, uint32_t polynomial, uint32_t first)
{
    static const char digits[] = "123456789";
    REG(CRC + 0x14) = polynomial;
    REG(CRC + 0x10) = first;
    REG(CRC + 8) = control | 1;
    for (int i = 0; i < 9; i++)
        BYTE(CRC) = (uint8_t)digits[i];
    return REG(CRC);
}

static void check_crc(void)
{
    enum { REVERSE_BYTES = 1 << 5, REVERSE_OUT = 1 << 7, OF_16 = 1 << 3, OF_8 = 2 << 3, OF_7 = 3 << 3 };
    check("CRC-32/MPEG-2", crc_of(0, 0x04C11DB7, 0xFFFFFFFF) == 0x0376E6E7);
    check("CRC-32", ~crc_of(REVERSE_BYTES | REVERSE_OUT, 0x04C11DB7, 0xFFFFFFFF) == 0xCBF43926);
    check("CRC-16/IBM-3740", crc_of(OF_16, 0x1021, 0xFFFF) == 0x29B1);
    check("CRC-16/MODBUS", crc_of(OF_16 | REVERSE_BYTES | REVERSE_OUT, 0x8005, 0xFFFF) == 0x4B37);
    check("CRC-8/SMBUS", crc_of(OF_8, 0x07, 0) == 0xF4);
    check("CRC-7/MMC", crc_of(OF_7, 0x09, 0) == 0x75);
    REG(CRC + 0x14) = 0x04C11DB7;
    REG(CRC + 0x10) = 0xFFFFFFFF;
    REG(CRC + 8) = 1;
    REG(CRC) = 0x31323334;
    HALF(CRC) = 0x3536;
    HALF(CRC) = 0x3738;
    BYTE(CRC) = 0x39;
    check("words, halfwords and bytes", REG(CRC) == 0x0376E6E7);
}

/* --- I2C: as a driver asks whether a chip is there, and writes to it --- */

static void check_i2c(void)
{
    enum { TXIS = 2, NACKF = 1 << 4, STOPF = 1 << 5, BUS_BUSY = 1 << 15, I2C_START = 1 << 13, AUTOEND = 1 << 25 };
    REG(I2C + 0x10) = 0x00707CBB;
    REG(I2C) = 1;
    check("the bus is free", comes(I2C + 0x18, BUS_BUSY, 0));
    REG(I2C + 4) = 0xA0 | 1 << 16 | AUTOEND | I2C_START;
    check("nobody acknowledges", comes(I2C + 0x18, NACKF, NACKF));
    check("START is over", !(REG(I2C + 4) & I2C_START));
    check("nothing is asked for", !(REG(I2C + 0x18) & TXIS));
    check("a stop follows", comes(I2C + 0x18, STOPF, STOPF));
    REG(I2C + 0x1C) = NACKF;
    check("one flag is cleared", (REG(I2C + 0x18) & (NACKF | STOPF)) == STOPF);
    REG(I2C + 0x1C) = STOPF;
    check("and the other", !(REG(I2C + 0x18) & (NACKF | STOPF)));
    REG(I2C + 0x18) = NACKF;
    check("no write sets a flag", !(REG(I2C + 0x18) & NACKF));
}

/* --- SPI: full duplex, polled --- */

#ifdef H7
static void check_spi(void)
{
    enum { RXP = 1, TXP = 2, EOT = 1 << 3, TXTF = 1 << 4, CSTART = 1 << 9 };
    static const char text[] = "hello, nobody";
    uint32_t sent = 0, received = 0, sum = 0;
    REG(SPI + 8) = 7 | 7u << 28;
    REG(SPI + 0xC) = 1u << 22 | 1u << 26;                    /* MASTER, SSM */
    REG(SPI + 4) = sizeof text;
    REG(SPI) = 1 << 12 | 1;
    REG(SPI) |= CSTART;
    for (int turn = 0; turn < TURNS && received < sizeof text; turn++) {
        if (REG(SPI + 0x14) & TXP && sent < sizeof text && sent < received + 16)
            BYTE(SPI + 0x20) = (uint8_t)text[sent++];
        if (REG(SPI + 0x14) & RXP) {
            sum += BYTE(SPI + 0x30);
            received++;
        }
    }
    check("as much comes in as goes out", received == sizeof text);
    check("of zeros", sum == 0);
    check("the transfer ends", comes(SPI + 0x14, EOT, EOT));
    check("no more is there", !(REG(SPI + 0x14) & RXP));
    REG(SPI + 0x18) = EOT | TXTF;
    check("its flags are cleared", !(REG(SPI + 0x14) & (EOT | TXTF)));
    REG(SPI) &= ~1u;
    REG(SPI + 8) = 15 | 7u << 28;                            /* frames of 16 bits, sending alone */
    REG(SPI + 0xC) |= 1u << 17;
    REG(SPI + 4) = 2;
    REG(SPI) |= 1;
    REG(SPI + 0x20) = 0x12345678;
    check("nothing goes out before it starts", !(REG(SPI + 0x14) & EOT));
    REG(SPI) |= CSTART;
    check("two frames in a word", comes(SPI + 0x14, EOT, EOT));
    check("none comes in", !(REG(SPI + 0x14) & (RXP | 7u << 13)));
    REG(SPI) &= ~1u;
}
#else
static void check_spi(void)
{
    enum { RXNE = 1, TXE = 2, OVR = 1 << 6, BSY = 1 << 7, FRLVL = 3 << 9, FTLVL = 3 << 11 };
    static const char text[] = "hello, nobody";
    uint32_t received = 0, sum = 0;
    REG(SPI + 4) = 7 << 8 | 1 << 12;                         /* 8 bits, FRXTH */
    REG(SPI) = 1 << 2 | 1 << 6 | 1 << 8 | 1 << 9;            /* MSTR, SPE, SSI, SSM */
    for (uint32_t i = 0; i < sizeof text; i++) {
        check("there is room", comes(SPI + 8, TXE, TXE));
        BYTE(SPI + 0xC) = (uint8_t)text[i];
        if (comes(SPI + 8, RXNE, RXNE)) {
            sum += BYTE(SPI + 0xC);
            received++;
        }
    }
    check("as much comes in as goes out", received == sizeof text);
    check("of zeros", sum == 0);
    check("all is sent", comes(SPI + 8, FTLVL | BSY, 0));
    check("no more is there", !(REG(SPI + 8) & (FRLVL | RXNE)));
    HALF(SPI + 0xC) = 0x1234;
    check("two frames in a halfword", (REG(SPI + 8) & FRLVL) == 2 << 9);
    HALF(SPI + 0xC) = 0x1234;
    HALF(SPI + 0xC) = 0x1234;
    check("what is not read is overrun", REG(SPI + 8) & OVR);
    (void)REG(SPI + 0xC);
    (void)REG(SPI + 0xC);
    check("a read clears that", !(REG(SPI + 8) & (OVR | RXNE)));
    REG(SPI + 4) = 15 << 8;                                  /* 16 bits */
    HALF(SPI + 0xC) = 0x1234;
    check("a frame of 16 bits", (REG(SPI + 8) & RXNE) && HALF(SPI + 0xC) == 0 && !(REG(SPI + 8) & RXNE));
    REG(SPI) &= ~(1u << 6);
}
#endif

/* --- timers --- */

static volatile uint32_t updates, compares, compared_at, last;

static void on_tim2(void)
{
    uint32_t flags = REG(TIM2 + 0x10), now = CYCCNT;
    REG(TIM2 + 0x10) = ~flags;
    if (flags & 1)
        updates++, last = now;
    if (flags & 4)
        compares++, compared_at = now;
}

static void on_tim1_compare(void)
{
    REG(TIM1 + 0x10) = 0;
    compares++;
}

static void wait(uint32_t cycles)
{
    uint32_t began = CYCCNT;
    while (CYCCNT - began < cycles) {
    }
}

static void (*table[128])(void) __attribute__((aligned(512)));

static void check_timers(void)
{
    for (uint32_t i = 0; i < 16; i++)
        table[i] = (void (*)(void))REG(VTOR + 4 * i);
    table[16 + 28] = on_tim2;
    table[16 + 27] = on_tim1_compare;
    VTOR = (uint32_t)table;
    ISER(0) = 1 << 28 | 1 << 27;
    DEMCR |= 1 << 24;
    DWT_CTRL |= 1;

    REG(TIM2 + 0x28) = 9;
    REG(TIM2 + 0x2C) = 999;
    REG(TIM2 + 0x38) = 250;                                  /* CCR2 */
    REG(TIM2 + 0x14) = 1;
    check("UG sets UIF", REG(TIM2 + 0x10) & 1);
    REG(TIM2 + 0x10) = 0;
    REG(TIM2) = 4;
    REG(TIM2 + 0x14) = 1;
    check("but not with URS", !(REG(TIM2 + 0x10) & 1));
    REG(TIM2 + 0x14) = 1 << 3;
    check("CC3G sets CC3IF", REG(TIM2 + 0x10) == 1 << 3);
    REG(TIM2 + 0x10) = 0;
    REG(TIM2 + 0xC) = 1 | 1 << 2;
    uint32_t began = CYCCNT;
    REG(TIM2) = 1;
    wait(35000);
    REG(TIM2) = 0;
    check("three updates", updates == 3);
    check("four compares", compares == 4);
    check("the last update behind 30,000 cycles", last - began - 30000 < 200);
    check("the last compare behind 32,500 cycles", compared_at - began - 32500 < 200);

    compares = 0;
    REG(TIM2 + 0x18) = 1 << 8;                               /* channel 2 captures */
    REG(TIM2) = 1;
    wait(20000);
    REG(TIM2) = 0;
    check("an input captures nothing", compares == 0 && updates > 3);

    updates = 0;
    REG(TIM2 + 0x24) = 0;
    REG(TIM2) = 1 | 1 << 3;                                  /* one pulse */
    wait(35000);
    check("one pulse is one update", updates == 1);
    check("and stops", !(REG(TIM2) & 1) && REG(TIM2 + 0x24) == 0);

    compares = 0;
    REG(TIM1 + 0x2C) = 4999;
    REG(TIM1 + 0x34) = 5000;
    REG(TIM1 + 0x38) = 100;
    REG(TIM1 + 0x3C) = 200;
    REG(TIM1 + 0x40) = 300;
    REG(TIM1 + 0xC) = 1 << 1;
    REG(TIM1) = 1;
    wait(20000);
    check("what it does not count to is never compared", compares == 0 && !(REG(TIM1 + 0x10) & 2));
    REG(TIM1 + 0x34) = 4000;
    wait(20000);
    REG(TIM1) = 0;
    check("compares have an interrupt of their own", compares >= 3 && compares <= 5);

    updates = 0;
    REG(TIM2 + 0xC) = 0;
    REG(TIM2) = 0;
    REG(TIM2 + 0x14) = 1;
    REG(TIM2 + 0xC) = 1;
    wait(100);
    check("a flag that is set interrupts as soon as it may", updates == 1);
}

int main(void)
{
    check_flash();
    check_crc();
    check_i2c();
    check_spi();
    check_timers();
    return failed;
}
