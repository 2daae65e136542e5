//! Independent readers prove what the builder writes: the `object` and `addr2line` crates always, binutils and LLVM where
//! they are installed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::read::elf::ElfFile64;
use object::{
    Endianness, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SymbolKind as ElfKind,
};

use super::*;

const ID: [u8; 20] = [0x3b; 20];

/// The functions of the samples: nested and scattered inlining, cold parts, duplicates, labels, aliases, suffixes.
fn functions() -> Vec<Function> {
    let count = Inline::new("node_count", "include/linux/node.h", 8).range(0x18..0x1c).called_at(22);
    let link = Inline::new("node_link", "lib/tree.h", 20).range(0x14..0x20).row(0x1c, 23).called_at(32).inlined(count);
    let insert = Inline::new("insert", "lib/tree.c", 30)
        .range(0x10..0x24)
        .range(0x44..0x48)
        .called_at(43)
        .row(0x20, 35)
        .inlined(link);
    vec![
        Function::new("tree_insert", 0x40)
            .file("lib/tree.c")
            .line(40)
            .inlined(insert)
            .row(0x30, 47)
            .cold(0x11)
            .calls("panic", 0x4a),
        Function::new("show", 0x20).file("lib/tree.c").line(60).local().row(0x8, 61),
        Function::new("panic", 0x30).file("kernel/panic.c").line(170).calls("show", 0x15).calls("show", 0x20),
        Function::new("show", 0x23).file("kernel/panic.c").line(20).local().row(0x9, 22),
        Function::new("walk.isra.0", 0x30).file("lib/tree.c").line(70).local().calls("tree_insert", 0x2a).row(0x20, 74),
        Function::new("node_count", 0x10).file("lib/tree.c").line(90),
        Function::new("move", 0x25).file("lib/move.c").line(3).alias("__move").row(0x10, 4),
        Function::new("entry", 0x40)
            .file("arch/entry.S")
            .line(100)
            .undescribed()
            .label("entry_after", 0x2c)
            .calls("walk.isra.0", 0x20),
        Function::new("sys_none", 0x10).file("kernel/sys_ni.c").line(230).undescribed(),
        Function::new("tree_init", 0x20).file("lib/tree.c").line(200).section(".init.text").calls("panic", 0x10),
        Function::new("tree_exit", 0x20)
            .file("lib/tree.c")
            .line(220)
            .section(".exit.text")
            .row(0x10, 221)
            .calls("panic", 0x18),
    ]
}

fn filled(image: Vmlinux) -> Vmlinux {
    functions().into_iter().fold(image.build_id(&ID).object("counter", 8).object("table", 100), Vmlinux::function)
}

fn samples() -> Vec<(&'static str, Vmlinux)> {
    let kernel = || filled(Vmlinux::new().banner("Linux version 6.1.0-testkit"));
    let module = || {
        filled(Vmlinux::module("tree")).function(
            Function::new("outside", 0x20).file("lib/tree.c").line(300).calls("kfree", 0x10).calls("kfree", 0x1a),
        )
    };
    vec![
        ("kernel", kernel()),
        ("kernel-compressed", kernel().compressed()),
        ("kernel-leftovers", kernel().leftover_relocations()),
        ("kernel-prefixes", kernel().prefixes()),
        ("kernel-no-aranges", kernel().without_aranges()),
        ("module", module()),
        ("module-compressed", module().compressed()),
    ]
}

fn parse(bytes: &[u8]) -> ElfFile64<'_, Endianness> {
    ElfFile64::parse(bytes).unwrap()
}

/// A section's content as a debugger sees it: unpacked, and in a module relocated with section `n` at `n << 20`.
fn debug_section(file: &ElfFile64<'_, Endianness>, name: &str) -> Vec<u8> {
    let Some(section) = file.section_by_name(name) else {
        return Vec::new();
    };
    let mut bytes = section.uncompressed_data().unwrap().into_owned();
    if file.kind() == object::ObjectKind::Relocatable {
        for (offset, relocation) in section.relocations() {
            let RelocationTarget::Symbol(symbol) = relocation.target() else { panic!("no symbol") };
            let symbol = file.symbol_by_index(symbol).unwrap();
            assert_eq!(symbol.kind(), ElfKind::Section);
            let RelocationFlags::Elf { r_type } = relocation.flags() else { panic!("no ELF") };
            let target = file.section_by_index(symbol.section_index().unwrap()).unwrap();
            let is_debug = target.name().unwrap().starts_with(".debug");
            let base = if is_debug { 0 } else { (target.index().0 as u64) << 20 };
            let value = base.wrapping_add_signed(relocation.addend()).to_le_bytes();
            let size = if r_type == object::elf::R_X86_64_64 { 8 } else { 4 };
            bytes[offset as usize..offset as usize + size].copy_from_slice(&value[..size]);
        }
    }
    bytes
}

/// The address of a function's byte in the address space of [`debug_section`].
fn place(file: &ElfFile64<'_, Endianness>, symbol: &Symbol, offset: u64) -> u64 {
    let base = match file.kind() {
        object::ObjectKind::Relocatable => (file.section_by_name(&symbol.section).unwrap().index().0 as u64) << 20,
        _ => 0,
    };
    base + symbol.address + offset
}

/// Every function of an image with the symbols of its two parts.
fn parts(image: &Vmlinux) -> Vec<(Function, Symbol, u64)> {
    let symbols = image.symbols();
    let named = |name: &str| symbols.iter().filter(|symbol| symbol.name == name).cloned().collect::<Vec<_>>();
    let mut parts = Vec::new();
    for (index, function) in image.functions.iter().enumerate() {
        let earlier = image.functions[..index].iter().filter(|other| other.name == function.name).count();
        parts.push((function.clone(), named(&function.name)[earlier].clone(), 0));
        if function.cold > 0 {
            parts.push((function.clone(), named(&format!("{}.cold", function.name))[0].clone(), function.size));
        }
    }
    parts
}

#[test]
fn every_byte_has_the_chain_that_the_addr2line_crate_reads() {
    for (name, image) in samples() {
        let bytes = image.write();
        let file = parse(&bytes);
        let load = |id: gimli::SectionId| Ok::<_, gimli::Error>(debug_section(&file, id.name()));
        let owned = gimli::DwarfSections::load(load).unwrap();
        let dwarf = owned.borrow(|bytes| gimli::EndianSlice::new(bytes, gimli::LittleEndian));
        let context = addr2line::Context::from_dwarf(dwarf).unwrap();
        let mut seen = 0;
        for (function, symbol, first) in parts(&image) {
            for offset in first..first + symbol.size {
                let address = place(&file, &symbol, offset - first);
                let mut frames = context.find_frames(address).skip_all_loads().unwrap();
                let mut expected = function.chain(offset).into_iter();
                while let Some(frame) = frames.next().unwrap() {
                    let call = expected.next().unwrap();
                    let location = frame.location.unwrap();
                    assert_eq!(location.file.unwrap(), format!("/usr/src/linux/{}", call.file), "{name} {address:#x}");
                    assert_eq!(location.line.unwrap(), call.line, "{name} {}+{offset:#x}", function.name);
                    let read = frame.function.map(|name| name.raw_name().unwrap().into_owned());
                    assert_eq!(read, function.described.then_some(call.function), "{name} {address:#x}");
                }
                assert_eq!(expected.next(), None, "{name} {}+{offset:#x}", function.name);
                seen += 1;
            }
        }
        let bytes: u64 = image.functions.iter().map(|function| function.size + function.cold).sum();
        assert_eq!(seen, bytes, "{name}: every byte of every function is compared");
    }
}

#[test]
fn symbols_notes_and_strings_are_where_object_finds_them() {
    for (name, image) in samples() {
        let bytes = image.write();
        assert!(bytes == image.write(), "{name}: two writes differ");
        let file = parse(&bytes);
        assert_eq!(file.build_id().unwrap(), Some(&ID[..]), "{name}");
        for symbol in image.symbols() {
            let is_it = |found: &object::read::elf::ElfSymbol64<'_, '_, Endianness>| {
                let section = found.section_index().map(|index| file.section_by_index(index).unwrap().name().unwrap());
                found.name() == Ok(&symbol.name)
                    && found.address() == symbol.address
                    && section == Some(&symbol.section)
            };
            let found = file.symbols().find(is_it).unwrap_or_else(|| panic!("{name}: no {symbol:?}"));
            assert_eq!((found.size(), found.is_local()), (symbol.size, symbol.local), "{name}: {symbol:?}");
        }
        assert_eq!(
            file.section_by_name(".rela.debug_info").is_some(),
            name == "kernel-leftovers" || name.starts_with("module")
        );
        assert_eq!(file.section_by_name(".debug_aranges").is_some(), name != "kernel-no-aranges");
        assert!(file.symbols().all(|symbol| symbol.name() != Ok("kfree") || symbol.is_undefined()));
    }
    let bytes = Vmlinux::new().banner("Linux version 1").without_dwarf().write();
    let file = parse(&bytes);
    assert_eq!(file.section_by_name(".rodata").unwrap().data(), Ok(&b"Linux version 1\0"[..]));
    assert_eq!(file.build_id().unwrap(), None);
    assert!(file.sections().all(|section| !section.name().unwrap().starts_with(".debug")));
    let bytes = Vmlinux::module("tree").write();
    assert_eq!(parse(&bytes).section_by_name(".modinfo").unwrap().data(), Ok(&b"license=GPL\0name=tree\0"[..]));
}

#[test]
fn the_note_of_type_3_by_xen_comes_before_the_build_id() {
    let bytes = filled(Vmlinux::new()).write();
    let notes = parse(&bytes).section_by_name(".notes").unwrap().data().unwrap().to_vec();
    assert_eq!(notes[..16], [4, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, b'X', b'e', b'n', 0]);
    assert_eq!(notes[24..40], [4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, b'G', b'N', b'U', 0]);
    assert_eq!(notes[40..], ID);
}

#[test]
fn kernel_sizes_are_the_distances_that_kallsyms_prints() {
    let kernel = filled(Vmlinux::new());
    assert_eq!(kernel.frame("tree_insert", 0x1c), "tree_insert+0x1c/0x40");
    assert_eq!(kernel.frame("move", 0x10), "move+0x10/0x30", "0x25 bytes, and the padding");
    assert_eq!(kernel.frame("__move", 0x10), "__move+0x10/0x30", "an alias is no next symbol");
    assert_eq!(kernel.frame("entry", 0x20), "entry+0x20/0x2c", "a label ends it");
    assert_eq!(kernel.frame("entry_after", 0x8), "entry_after+0x8/0x14");
    assert_eq!(kernel.frame("tree_insert.cold", 0xa), "tree_insert.cold+0xa/0x11", "the last, before _etext");
    let module = filled(Vmlinux::module("tree"));
    assert_eq!(module.frame("tree_insert", 0x1c), "tree_insert+0x1c/0x40 [tree]");
    assert_eq!(module.frame("sys_none", 0x1), "sys_none+0x1/0x10 [tree]", "the last of .text, before .exit.text");
    assert_eq!(module.frame("tree_init", 0x1), "tree_init+0x1/0x1000 [tree]", "the only one of its pages");
    assert_eq!(kernel.clone().prefixes().frame("panic", 0x1), "panic+0x1/0x30");
    assert_eq!(kernel.prefixes().frame("__pfx_panic", 0x10), "__pfx_panic+0x10/0x10");
}

#[test]
fn calls_lead_to_their_callees() {
    for (name, image) in samples() {
        let bytes = image.write();
        let file = parse(&bytes);
        let mut seen = 0;
        for (function, symbol, first) in parts(&image) {
            let section = file.section_by_name(&symbol.section).unwrap();
            let calls = function.calls.iter().filter(|(offset, _)| (first + 1..=first + symbol.size).contains(offset));
            for (offset, callee) in calls {
                let end = symbol.address - section.address() + offset - first;
                let code = &section.data().unwrap()[end as usize - 5..end as usize];
                assert_eq!(code[0], 0xe8, "{name} {callee}");
                let relocation = section.relocations().find(|(at, _)| *at == end - 4);
                let displacement = i32::from_le_bytes(code[1..].try_into().unwrap());
                let called = match relocation {
                    Some((_, relocation)) => {
                        assert_eq!((displacement, relocation.addend()), (0, -4));
                        let RelocationTarget::Symbol(index) = relocation.target() else { panic!("no symbol") };
                        file.symbol_by_index(index).unwrap().name().unwrap().to_owned()
                    }
                    None => {
                        let target = (section.address() + end).wrapping_add_signed(displacement.into());
                        let is_kernel = image.kind == Kind::Kernel;
                        let here = |other: &(Function, Symbol, u64)| {
                            other.1.address == target && (is_kernel || other.1.section == symbol.section)
                        };
                        let (callee, ..) = parts(&image).into_iter().find(here).unwrap();
                        if callee.name == "show" {
                            assert_eq!(callee.body.file, function.body.file, "of two, the caller's own");
                        }
                        callee.name
                    }
                };
                assert_eq!(called, *callee, "{name}");
                seen += 1;
            }
        }
        assert!(seen >= 7, "{name}: only {seen} calls");
    }
}

#[test]
fn left_over_relocations_are_wrong() {
    let bytes = filled(Vmlinux::new()).leftover_relocations().write();
    let file = parse(&bytes);
    let info = file.section_by_name(".debug_info").unwrap();
    let data = info.data().unwrap();
    let mut seen = 0;
    for (offset, relocation) in info.relocations().filter(|(_, relocation)| relocation.size() == 64) {
        let RelocationTarget::Symbol(symbol) = relocation.target() else { panic!("no symbol") };
        let value = file.symbol_by_index(symbol).unwrap().address().wrapping_add_signed(relocation.addend());
        assert_ne!(data[offset as usize..offset as usize + 8], value.to_le_bytes());
        seen += 1;
    }
    assert!(seen > 5);
}

/// An image in a file of its own, removed at the end.
struct Saved(PathBuf);

impl Saved {
    fn new(name: &str, image: &Vmlinux) -> Self {
        let path = std::env::temp_dir().join(format!("ksplat-testkit-{}-{name}", std::process::id()));
        std::fs::write(&path, image.write()).unwrap();
        Saved(path)
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

/// The standard output of a tool that accepts its arguments; `None` and a line where it is not installed.
fn tool(name: &str, arguments: &[&str], file: &Path) -> Option<String> {
    match Command::new(name).args(arguments).arg(file).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !errors.to_lowercase().contains("warning"), "{name}: {text}{errors}");
            Some(text)
        }
        Err(_) => {
            writeln!(std::io::stdout(), "skipped: comparison with {name}, which is not installed").unwrap();
            None
        }
    }
}

#[test]
fn llvm_dwarfdump_verifies_every_sample() {
    for (name, image) in samples() {
        let saved = Saved::new(&format!("verify-{name}"), &image);
        let Some(text) = tool("llvm-dwarfdump", &["--verify"], &saved.0) else {
            return;
        };
        assert!(text.contains("No errors."), "{name}: {text}");
    }
}

#[test]
fn readelf_reads_every_sample_without_a_warning() {
    for (name, image) in samples() {
        let saved = Saved::new(&format!("readelf-{name}"), &image);
        let Some(text) = tool("readelf", &["-aW", "--debug-dump=aranges,decodedline"], &saved.0) else {
            return;
        };
        assert!(text.contains("Build ID: 3b3b3b"), "{name}");
        assert_eq!(text.contains("Xen"), name.starts_with("kernel"), "{name}");
        assert!(text.contains("tree_insert.cold"), "{name}");
    }
}

/// Compares with a tool that prints GNU addr2line's lines, for each byte of a kernel.
fn compare(program: &str, arguments: &[&str], with_files: bool) {
    let image = filled(Vmlinux::new());
    let saved = Saved::new(program, &image);
    let mut seen = 0;
    for (function, symbol, first) in parts(&image) {
        let addresses: Vec<_> = (0..symbol.size).map(|offset| format!("{:#x}", symbol.address + offset)).collect();
        let mut command: Vec<_> = addresses.iter().map(String::as_str).collect();
        command.extend(arguments);
        let Some(text) = tool(program, &command, &saved.0) else {
            return;
        };
        let mut lines = text.lines();
        for offset in 0..symbol.size {
            assert!(lines.next().unwrap().starts_with("0x"));
            for call in function.chain(first + offset) {
                // The outermost name comes from the symbol table, which has aliases, suffixes and labels.
                let name = lines.next().unwrap().trim_start_matches("__").split('.').next().unwrap();
                let place = lines.next().unwrap().split(" (").next().unwrap();
                let is_label = !call.inlined && function.labels.iter().any(|(_, label)| label == name);
                assert!(name == call.function || is_label, "{program} {}+{offset:#x}: {name}", symbol.name);
                let (file, line) = place.rsplit_once(':').unwrap();
                assert_eq!(line, call.line.to_string(), "{program} {}+{offset:#x}", symbol.name);
                if with_files {
                    assert_eq!(file, format!("/usr/src/linux/{}", call.file), "{program} {}+{offset:#x}", symbol.name);
                }
                seen += 1;
            }
        }
        assert_eq!(lines.next(), None);
    }
    assert!(seen > 441, "only {seen} frames of 441 bytes, of which some are inlined");
}

#[test]
fn llvm_symbolizer_answers_the_chains() {
    compare("llvm-symbolizer", &["--output-style=GNU", "-a", "-i", "-f", "--no-demangle", "-e"], true);
}

#[test]
fn gnu_addr2line_answers_the_names_and_lines_of_the_chains() {
    // Files are not compared: binutils 2.40 counts the file table of DWARF 5 from 1, which is one of our traps.
    compare("addr2line", &["-a", "-i", "-f", "-e"], false);
}
