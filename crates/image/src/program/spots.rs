//! Bytes that are ignored wherever they stand: the kernel's own version, notes of ELF files inside of data, times of files in
//! the initramfs.

use memchr::memmem;

use super::space::Space;

/// Bytes at a flat address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) begin: u64,
    pub(crate) size: u64,
}

/// Shorter versions than `6.1.0` could be anything.
const SHORTEST: usize = 5;

/// Owners of notes whose content is another in each build: build-id, version and build salt.
const OWNERS: [&[u8]; 2] = [b"GNU\0", b"Linux\0\0\0"];

/// The head of a file in a cpio archive (Documentation/driver-api/early-userspace/buffer-format.rst), and where in it the
/// eight hex digits of the file's time are.
const CPIO: (&[u8], usize) = (b"070701", 46);

/// All spots, sorted.
pub(super) fn spots(space: &Space<'_>) -> Vec<Spot> {
    let versions = versions(space);
    let mut spots = Vec::new();
    for section in space.sections.iter().filter(|section| !section.is_code) {
        for version in &versions {
            for at in memmem::find_iter(section.bytes, version) {
                // In an array of fixed size, a shorter version has more NULs behind it.
                let nuls = section.bytes[at + version.len()..].iter().take(64).take_while(|byte| **byte == 0).count();
                spots.push(Spot { begin: section.begin + at as u64, size: (version.len() + nuls) as u64 });
            }
        }
        let (head, time_at) = CPIO;
        for at in memmem::find_iter(section.bytes, head) {
            let hex = section.bytes.get(at..at + 110).is_some_and(|head| head.iter().all(u8::is_ascii_hexdigit));
            spots.extend(hex.then_some(Spot { begin: section.begin + (at + time_at) as u64, size: 8 }));
        }
        for owner in OWNERS {
            for at in memmem::find_iter(section.bytes, owner) {
                if let Some(size) = note(section.bytes, at, owner) {
                    spots.push(Spot { begin: section.begin + (at + owner.len()) as u64, size });
                }
            }
        }
    }
    spots.sort_by_key(|spot| (spot.begin, spot.size));
    spots
}

/// Release and version of `Linux version RELEASE (…) #1 SMP …`; of a module the release that it was built for.
fn versions<'d>(space: &Space<'d>) -> Vec<&'d [u8]> {
    let mut versions = Vec::new();
    if let Some(banner) = space.image.banner() {
        versions.extend(banner.split(' ').nth(2));
        let version = banner.rfind(" #").map_or("", |at| &banner[at + 1..]);
        versions.push(version);
        // `init_uts_ns` may have it without the number of the build: `# SMP …`.
        versions.extend(version.split_once(' ').map(|(_, rest)| rest));
        // Debian's own version is part of it, and printed elsewhere too: `6.1.176-1`.
        let numbers = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.matches('.').count() > 1;
        versions.extend(version.split(' ').filter(numbers));
    } else if let Some(modinfo) = space.image.section_bytes(".modinfo") {
        let magic = modinfo.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"vermagic="));
        versions.extend(magic.and_then(|magic| std::str::from_utf8(magic).ok()?.split(' ').next()));
    }
    versions.retain(|version| version.len() >= SHORTEST);
    versions.into_iter().map(str::as_bytes).collect()
}

/// How long the content of a note is whose owner's name is at this place.
fn note(bytes: &[u8], owner_at: usize, owner: &[u8]) -> Option<u64> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let head = owner_at.checked_sub(12)?;
    let name = owner.len() - owner.iter().rev().take_while(|byte| **byte == 0).count() + 1;
    let size = word(head + 4)?;
    let fits = word(head)? as usize == name && size <= 256 && bytes.len() >= owner_at + owner.len() + size as usize;
    (fits && head % 4 == 0).then_some(size.into())
}
