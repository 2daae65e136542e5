//! An index answers as the debug information does that it was made from.

use image::Image;
use symbolize::index::{Index, IndexError, Source, write};
use symbolize::{Resolution, Symbolizer};
use testkit::{Function, Inline, Vmlinux};

const KEY: &str = "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b";

fn index_of(image: &Image<'_>) -> Vec<u8> {
    let source = Source::open(image).expect("debug information");
    write(image, KEY, (0..source.parts()).map(|n| source.part(n)).collect()).expect("text of one piece")
}

/// Asks both for an address; what the index says has to be what the debug information says.
struct Both<'i> {
    image: &'i Image<'i>,
    plain: Symbolizer<'i>,
    indexed: Symbolizer<'i>,
    same: usize,
    known: usize,
}

impl<'i> Both<'i> {
    fn new(image: &'i Image<'i>, again: &'i Image<'i>, index: &'i Index<'i>) -> Both<'i> {
        let plain = Symbolizer::new(Some(image), []);
        let indexed = Symbolizer::new(Some(again), []);
        indexed.lend_index(None, index);
        Both { image, plain, indexed, same: 0, known: 0 }
    }

    fn ask(&mut self, flat: u64) {
        let Some(place) = self.image.link_addr(flat) else { return };
        let ask = |symbolizer: &Symbolizer<'i>| -> Resolution<'i> { symbolizer.resolve_address(None, place, true) };
        let (plain, indexed) = (ask(&self.plain), ask(&self.indexed));
        assert_eq!(indexed, plain, "{flat:#x}");
        self.same += 1;
        self.known += usize::from(plain.miss.is_none());
    }
}

fn samples() -> Vec<Vmlinux> {
    let deep = Inline::new("node_count", "include/linux/node.h", 8).range(0x18..0x1c).called_at(22);
    let link = Inline::new("node_link", "lib/tree.h", 20).range(0x14..0x20).row(0x1c, 23).called_at(32).inlined(deep);
    let insert =
        Inline::new("insert", "lib/tree.c", 30).range(0x10..0x24).range(0x44..0x48).called_at(43).inlined(link);
    let functions = [
        Function::new("tree_insert", 0x40).file("lib/tree.c").line(40).inlined(insert).row(0x30, 47).cold(0x11),
        Function::new("show", 0x20).file("lib/tree.c").line(60).local().row(0x8, 61),
        Function::new("show", 0x33).file("kernel/panic.c").line(20).local().row(0x9, 22),
        Function::new("move", 0x25).file("lib/move.c").line(3).alias("__move").row(0x10, 4),
        Function::new("entry", 0x40).file("arch/entry.S").line(100).undescribed().label("entry_after", 0x2c),
        Function::new("tree_init", 0x20).file("lib/tree.c").line(200).section(".init.text"),
    ];
    let filled = |image: Vmlinux| functions.clone().into_iter().fold(image.build_id(&[0x3b; 20]), Vmlinux::function);
    let kernel = || filled(Vmlinux::new());
    let module = || filled(Vmlinux::module("tree"));
    vec![
        kernel(),
        kernel().compressed(),
        kernel().prefixes(),
        kernel().without_aranges(),
        module(),
        module().without_aranges(),
    ]
}

#[test]
fn every_address_has_the_same_answer() {
    for sample in samples() {
        let bytes = sample.write();
        let (image, again) = (Image::parse(&bytes).unwrap(), Image::parse(&bytes).unwrap());
        let made = index_of(&image);
        let index = Index::open(&made, KEY).unwrap();
        let mut both = Both::new(&image, &again, &index);
        for symbol in sample.symbols() {
            let found = image.symbols_named(&[&symbol.name]);
            for symbol in found.iter().flatten() {
                (symbol.flat.saturating_sub(2)..symbol.flat + symbol.size.expected() + 2)
                    .for_each(|flat| both.ask(flat));
            }
        }
        assert!(both.known > 200 && !index.is_damaged(), "{} known of {}", both.known, both.same);
    }
}

#[test]
fn the_order_of_the_parts_does_not_matter() {
    for sample in samples() {
        let bytes = sample.write();
        let image = Image::parse(&bytes).unwrap();
        let source = Source::open(&image).unwrap();
        let backwards = (0..source.parts()).rev().map(|n| source.part(n)).collect();
        assert_eq!(write(&image, KEY, backwards).unwrap(), index_of(&image));
    }
}

#[test]
fn only_what_was_written_is_believed() {
    let bytes = samples()[0].write();
    let (image, again) = (Image::parse(&bytes).unwrap(), Image::parse(&bytes).unwrap());
    let made = index_of(&image);
    let error = |bytes: &[u8], key: &str| Index::open(bytes, key).err();
    assert_eq!(error(&made, "other"), Some(IndexError::OtherImage));
    assert_eq!(error(b"", KEY), Some(IndexError::NotAnIndex));
    assert_eq!(error(&bytes, KEY), Some(IndexError::NotAnIndex));
    let mut newer = made.clone();
    newer[8] += 1;
    assert_eq!(error(&newer, KEY), Some(IndexError::OtherVersion));
    for len in 8..made.len() {
        assert!(error(&made[..len], KEY).is_some(), "cut to {len} bytes");
    }
    let text: Vec<u64> =
        image.symbols_named(&["tree_insert", "show"]).iter().flatten().map(|symbol| symbol.flat).collect();
    for at in 0..made.len() {
        let mut flipped = made.clone();
        flipped[at] ^= 0x41;
        // Either it is refused, or it falls back on the debug information where it is wrong.
        if let Ok(index) = Index::open(&flipped, KEY) {
            let mut both = Both::new(&image, &again, &index);
            text.iter().for_each(|flat| both.ask(flat + 0x10));
        }
    }
}

#[test]
fn a_real_kernel_has_the_same_answers() {
    let Some(path) = testkit::vmlinux_or_skip("a_real_kernel_has_the_same_answers") else { return };
    let bytes = std::fs::read(path).unwrap();
    let (image, again) = (Image::parse(&bytes).unwrap(), Image::parse(&bytes).unwrap());
    let made = index_of(&image);
    let index = Index::open(&made, KEY).unwrap();
    let mut both = Both::new(&image, &again, &index);
    for (_, name, size, exec) in image.sections().collect::<Vec<_>>() {
        if !exec {
            continue;
        }
        let Some(begin) = image.section_start(name) else { continue };
        // A step that is a prime number meets all kinds of places.
        (begin..begin + size).step_by(397).for_each(|flat| both.ask(flat));
    }
    assert!(both.known > 20_000 && !index.is_damaged(), "{} known of {}", both.known, both.same);
    assert!(made.len() < 10_000_000, "{} bytes", made.len());
}
