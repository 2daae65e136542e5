//! What an image says, on synthetic kernels and modules.

use image::{Algorithm, Error, Fit, Image, KernelSize, Kind, kernel_signature};
use testkit::{Function, SymbolKind, Vmlinux};

const ID: [u8; 20] = [0x3b; 20];
const BANNER: &str = "Linux version 6.1.0-test (me@here) (gcc) #1 SMP PREEMPT Debian 6.1.1-1";

fn filled(image: Vmlinux) -> Vmlinux {
    image
        .build_id(&ID)
        .banner(BANNER)
        .object("counter", 8)
        .function(Function::new("first", 0x2e).alias("also_first").cold(0x11))
        .function(Function::new("entry", 0x40).label("entry_after", 0x2c))
        .function(Function::new("same", 0x10).local())
        .function(Function::new("same", 0x23).local())
        .function(Function::new("last", 0x15))
        .function(Function::new("start", 0x2b).section(".init.text"))
        .function(Function::new("stop", 0x19).section(".exit.text"))
}

fn kernel() -> Vmlinux {
    filled(Vmlinux::new())
}

fn module() -> Vmlinux {
    filled(Vmlinux::module("my_mod"))
}

#[test]
fn sizes_are_those_that_the_kernel_prints() {
    for sample in [kernel(), module(), kernel().prefixes(), module().prefixes()] {
        let bytes = sample.write();
        let image = Image::parse(&bytes).unwrap();
        // `_etext` and its like lie behind the text, and no frame is in them.
        let is_code = |symbol: &&testkit::Symbol| symbol.kind != SymbolKind::Object && !symbol.name.starts_with("_e");
        for symbol in sample.symbols().iter().filter(is_code) {
            let found = image.symbols_named(&[&symbol.name]).remove(0);
            let same = found.iter().find(|found| {
                let section = image.sections().find(|(index, ..)| *index == found.address.section).unwrap();
                section.1 == symbol.section && found.address.offset == symbol.address
            });
            let last = ["last", "also_first.cold", "first.cold", "start", "stop"];
            let same = same.unwrap_or_else(|| panic!("{} is not where it was put", symbol.name));
            match same.size {
                KernelSize::Exact(size) => assert_eq!(size, symbol.kernel_size, "{symbol:?}"),
                KernelSize::Last { least, .. } => {
                    assert!(least >= symbol.size && last.contains(&symbol.name.as_str()), "{symbol:?}");
                    assert!(same.size.fit(symbol.kernel_size) > Fit::No, "{symbol:?} {same:?}");
                    assert_eq!(same.size.fit(least - 1), Fit::No);
                }
            }
            assert_eq!(same.elf_size, symbol.size);
        }
    }
}

#[test]
fn the_last_size_of_a_module_section_may_be_larger() {
    let bytes = module().write();
    let image = Image::parse(&bytes).unwrap();
    let size = image.symbols_named(&["start"])[0][0].size;
    assert_eq!(size, KernelSize::Last { least: 0x2b, expected: 0x1000 });
    assert_eq!([0x2a, 0x2b, 0x1000].map(|printed| size.fit(printed)), [Fit::No, Fit::Plausible, Fit::Exact]);
    assert!(matches!(image.symbols_named(&["first"])[0][0].size, KernelSize::Exact(_)));
}

/// Whatever is asked for together: what is near one start is not taken for the end of another, long function.
#[test]
fn long_functions_end_where_the_next_one_starts() {
    let sizes = [0x20, 0x9000, 0x30, 0x3ff0, 0x4010, 0x12345, 0x10, 0x6000];
    let names: Vec<String> = (0..sizes.len()).map(|n| format!("function_{n}")).collect();
    let functions = names.iter().zip(sizes).map(|(name, size)| Function::new(name, size));
    let bytes = functions.fold(Vmlinux::new(), Vmlinux::function).write();
    let indexed = Image::parse(&bytes).unwrap();
    indexed.symbols_named(&vec!["nothing"; 5000]);
    for chosen in 1..1_u32 << names.len() {
        let image = Image::parse(&bytes).unwrap();
        let some: Vec<&str> = (0..names.len()).filter(|n| chosen & 1 << n != 0).map(|n| names[n].as_str()).collect();
        assert_eq!(image.symbols_named(&some), indexed.symbols_named(&some));
    }
}

#[test]
fn the_index_answers_as_the_scan_does() {
    for sample in [kernel(), module()] {
        let bytes = sample.write();
        let (scanned, indexed) = (Image::parse(&bytes).unwrap(), Image::parse(&bytes).unwrap());
        // So many names at once are answered from an index, which then serves all.
        indexed.symbols_named(&vec!["nothing"; 5000]);
        let names = ["first", "also_first", "same", "entry_after", "counter", "start", "first", "none", ""];
        let mut by_scan = scanned.symbols_named(&names);
        let mut by_index = indexed.symbols_named(&names);
        for found in by_scan.iter_mut().chain(&mut by_index) {
            found.sort_by_key(|symbol| symbol.flat);
        }
        assert_eq!(by_scan, by_index);
        assert_eq!(by_scan.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 2, 1, 0, 1, 1, 0, 0]);
        let flats: Vec<u64> = by_scan.iter().flatten().flat_map(|symbol| [symbol.flat, symbol.flat + 3]).collect();
        let at = scanned.symbols_at(&flats);
        assert_eq!(at, indexed.symbols_at(&flats));
        assert!(at.iter().zip(&flats).all(|(symbol, flat)| symbol.is_some_and(|symbol| symbol.flat <= *flat)));
    }
}

#[test]
fn an_alias_is_called_as_the_kernel_calls_it() {
    let bytes = kernel().write();
    let image = Image::parse(&bytes).unwrap();
    let first = image.symbols_named(&["first"])[0][0].flat;
    // The alias is weak, which comes last whatever its name.
    assert_eq!(image.symbols_at(&[first + 1])[0].unwrap().name, "first");
}

#[test]
fn variables_are_not_functions() {
    let bytes = module().write();
    let image = Image::parse(&bytes).unwrap();
    assert_eq!(image.are_data(&["counter", "none"]), [true, false]);
    assert!(image.symbols_named(&["counter"])[0].is_empty());
    // In the file `counter` lies at offset 0 of its section, as `first` does.
    let first = image.symbols_named(&["first"])[0][0];
    assert_eq!(image.symbols_at(&[first.flat])[0].unwrap().name, "first");
}

#[test]
fn sections_of_a_module_do_not_mix() {
    let bytes = module().write();
    let image = Image::parse(&bytes).unwrap();
    let found = image.symbols_named(&["first", "start", "stop"]);
    let flats: Vec<u64> = found.iter().map(|symbols| symbols[0].flat).collect();
    assert!(found.iter().all(|symbols| symbols[0].address.offset == 0));
    assert!(flats[0] < flats[2] && flats[2] < flats[1], "core text, then exit, then init elsewhere: {flats:x?}");
    for symbols in &found {
        assert_eq!(image.link_addr(symbols[0].flat), Some(symbols[0].address));
        assert_eq!(image.flat(symbols[0].address), symbols[0].flat);
    }
}

#[test]
fn identity_is_read_past_the_traps() {
    let (bytes, module) = (kernel().write(), module().write());
    let image = Image::parse(&bytes).unwrap();
    assert_eq!(image.kind(), Kind::Kernel);
    assert_eq!(image.build_id().unwrap().to_string(), "3b".repeat(20));
    assert!(image.build_id().unwrap().is(&"3B".repeat(20)));
    assert_eq!(image.banner(), Some(BANNER));
    let image = Image::parse(&module).unwrap();
    assert_eq!((image.kind(), image.module_name()), (Kind::Module, Some("my_mod")));
}

#[test]
fn compressed_sections_read_as_plain_ones() {
    let (plain, packed) = (kernel().write(), kernel().compressed().write());
    let (plain, packed) = (Image::parse(&plain).unwrap(), Image::parse(&packed).unwrap());
    for name in [".debug_info", ".debug_line", ".debug_str"] {
        assert!(!plain.debug_section(name).unwrap().is_empty());
        assert_eq!(plain.debug_section(name), packed.debug_section(name));
    }
    assert_eq!(plain.debug_section(".debug_none"), Ok(&[][..]));
}

#[test]
fn left_over_relocations_of_a_kernel_are_not_offered() {
    let bytes = kernel().leftover_relocations().write();
    assert!(Image::parse(&bytes).unwrap().debug_relocations(".debug_info").is_none());
    let bytes = module().write();
    assert!(Image::parse(&bytes).unwrap().debug_relocations(".debug_info").is_some());
}

#[test]
fn a_signature_is_that_of_the_loaded_sections() {
    let signature = |bytes: &[u8]| kernel_signature(bytes, Algorithm::Sha256).unwrap().to_string();
    let same = signature(&kernel().write());
    // Notes and debug sections are not part of it.
    assert_eq!(signature(&kernel().build_id(&[1; 20]).write()), same);
    assert_eq!(signature(&kernel().without_dwarf().write()), same);
    assert_ne!(signature(&kernel().function(Function::new("more", 8)).write()), same);
    assert_ne!(kernel_signature(&kernel().write(), Algorithm::Blake3).unwrap().to_string(), same);
}

#[test]
fn other_files_say_what_they_are() {
    let error = |bytes: &[u8]| Image::parse(bytes).unwrap_err().to_string();
    assert_eq!(error(b""), "empty file");
    assert_eq!(error(b"\x1f\x8b\x08"), "not an ELF file but a gzip file");
    assert_eq!(error(b"#!/bin/sh"), "not an ELF file");
    assert_eq!(error(b"\x7fELF\x01\x01\x01"), "a 32-bit ELF file, only 64-bit ones are read");
    let mut core = kernel().write();
    core[16] = 4;
    assert_eq!(Image::parse(&core).unwrap_err(), Error::Type(4));
    assert!(error(&kernel().write()[..200]).starts_with("bad ELF file: "));
    assert!(kernel_signature(&[0; 1000], Algorithm::Blake3).is_err());
}

#[test]
fn damage_never_panics() {
    let whole = module().compressed().write();
    let mut read = 0;
    let mut try_it = |bytes: &[u8]| {
        let _ = kernel_signature(bytes, Algorithm::Blake3);
        let Ok(image) = Image::parse(bytes) else { return };
        let found = image.symbols_named(&["first", "same"]);
        image.symbols_at(&found.iter().flatten().map(|symbol| symbol.flat).collect::<Vec<_>>());
        let _ = (image.build_id(), image.banner(), image.module_name(), image.are_data(&["counter"]));
        let _ = (image.debug_section(".debug_info"), image.text(found[0].first().map_or(0, |symbol| symbol.flat), 64));
        read += usize::from(!found[0].is_empty());
    };
    for end in 0..whole.len() {
        try_it(&whole[..end]);
    }
    let mut seed = 1_u64;
    for _ in 0..4000 {
        let mut bytes = whole.clone();
        for _ in 0..4 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 24) as usize % bytes.len();
            bytes[at] = (seed >> 56) as u8;
        }
        try_it(&bytes);
    }
    assert!(read > 1000, "only {read} of the damaged files could be read");
}

#[test]
fn an_absurd_size_is_not_allocated() {
    let mut bytes = kernel().compressed().write();
    // Elf64_Chdr of some debug section: type 1 (zlib), reserved 0, then the size.
    let is_header = |at: &usize| bytes[*at..].starts_with(&[1, 0, 0, 0, 0, 0, 0, 0]) && bytes[at + 24] == 0x78;
    for at in (0..bytes.len() - 24).filter(is_header).collect::<Vec<_>>() {
        bytes[at + 8..at + 16].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    }
    let image = Image::parse(&bytes).unwrap();
    let error = image.debug_section(".debug_info").unwrap_err().to_string();
    assert!(error.starts_with("bad ELF section .debug_info: absurd size of 1099511627776 bytes"), "{error}");
}
