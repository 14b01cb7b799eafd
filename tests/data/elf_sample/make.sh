#!/bin/sh
# Makes the files of tests/unit/test_elf_lines.py: one small program in DWARF 4 and in DWARF 5, and
# what binutils, which share no code with mcusim or pyelftools, say of it. Needs arm-none-eabi-gcc.
set -eu
cd "$(dirname "$0")"
export LC_ALL=C
record() { # record OUTPUT COMMAND...: the command line as a comment, then what it printed
  output=$1; shift
  { echo "# $*"; "$@"; } > "$output"
}
for version in 4 5; do
  name=sample$version
  arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -O1 -gdwarf-$version -ffunction-sections -nostdlib \
    -ffile-prefix-map="$PWD"=/sample -Wl,--build-id,-z,max-page-size=256,-T,sample.ld \
    -o $name.elf sample.c spin.S
  record $name.readelf.txt arm-none-eabi-readelf --wide --segments --symbols --notes $name.elf
  arm-none-eabi-objdump --full-contents --section=.text --section=.data $name.elf |
    sed -n 's/^ \([0-9a-f]*\) \(.\{35\}\)  .*/\1 \2/p' > $name.objdump.txt
  # Every half-word of .text and a few addresses around it
  addresses=$(seq 134217726 2 134217890 | xargs printf '0x%08x ')
  for address in $addresses; do
    echo "$address $(arm-none-eabi-addr2line -e $name.elf $address)"
  done > $name.addr2line.txt
done
