//! Kernel ELF files: vmlinux and modules, symbols, build-ids, sections, kernel signatures.
