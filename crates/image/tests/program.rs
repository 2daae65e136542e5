//! Taking apart kernels that are none: no panic, and no time without end.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Instant;

use image::program::{Difference, Digests, Program, Space};
use image::{Error, Image, loaded_sections};
use testkit::{Function, Vmlinux};

type Parts = Vec<Option<Digests>>;

fn take_apart<'d>(image: &'d Image<'d>) -> Result<(Program<'d>, Parts), Error> {
    let space = Space::new(image)?;
    let scanned = space.units().chunks(16).map(|units| space.scan(units, None)).collect();
    let program = Program::new(space, scanned);
    let firsts: Vec<_> = (0..program.parts().len()).map(|at| program.first_digest(at)).collect();
    let digests = (0..firsts.len()).map(|at| program.digest(at, &firsts)).collect();
    Ok((program, digests))
}

/// Everything that can be asked of an image; false where it is refused.
fn everything(data: &[u8]) -> bool {
    let _ = loaded_sections(data);
    let Ok(image) = Image::parse(data) else { return false };
    let Ok((program, digests)) = take_apart(&image) else { return false };
    program.signature(&digests);
    program.parts().iter().for_each(|part| {
        program.listing(part);
    });
    Difference::new((&program, &digests), (&program, &digests)).changes.is_empty()
}

fn images() -> [Vec<u8>; 3] {
    let fill = |image: Vmlinux| {
        let image = image.build_id(&[7; 20]).banner("Linux version 6.1.0-test (me@here) (gcc) #1 SMP PREEMPT 2024");
        let image = image.object("counter", 8).function(Function::new("first", 0x2e).alias("also_first").cold(0x11));
        image.function(Function::new("same", 0x10).local()).function(Function::new("same", 0x23).local()).write()
    };
    let module = testkit::workspace_root().join("testdata/lab/ko/crashlib.ko");
    [fill(Vmlinux::new()), fill(Vmlinux::module("my_mod")), std::fs::read(module).unwrap()]
}

#[test]
fn an_image_is_the_same_as_itself() {
    for image in images() {
        assert!(everything(&image));
    }
}

#[test]
fn damaged_images_are_refused_or_understood() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let started = Instant::now();
    let (mut refused, mut understood) = (0, 0);
    for image in images() {
        // What decides are headers and tables, which lie at both ends of the file.
        for _ in 0..400 {
            let mut damaged = image.clone();
            for _ in 0..=random(4) {
                let at = match random(3) {
                    0 => random(64),
                    1 => damaged.len() - 1 - random(damaged.len().min(6000)),
                    _ => random(damaged.len()),
                };
                damaged[at] = match random(3) {
                    0 => 0xff,
                    1 => 0,
                    _ => random(256) as u8,
                };
            }
            if random(20) == 0 {
                damaged.truncate(random(image.len()));
            }
            if everything(&damaged) {
                understood += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(refused > 50 && understood > 50, "{refused} refused, {understood} understood");
    assert!(started.elapsed().as_secs() < 240, "{:?}", started.elapsed());
}

#[test]
fn stripped_and_foreign_images_are_refused() {
    let mut foreign = images()[0].clone();
    // aarch64
    foreign[18] = 183;
    let image = Image::parse(&foreign).unwrap();
    assert_eq!(Space::new(&image).err(), Some(Error::Machine));
    let mut module = images()[1].clone();
    module[18] = 183;
    assert!(everything(&module), "relocations are enough");
}
