//! Laws of kernel images: what is not one is refused, and the rest is taken apart.

use ksplat::image::program::{Line, PartKind};
use ksplat::image::{Algorithm, Image, boot_payload, loaded_sections};
use ksplat::kernel::{Apart, Sources, hunks, sign};

use crate::ensure;

/// The sections that are signed are bytes of the file, and no more than it has; so is the kernel in a bzImage.
pub(crate) fn sections_are_in_the_file(file: &[u8]) -> Result<(), String> {
    let is_within = |bytes: &[u8]| {
        let (outer, inner) = (file.as_ptr_range(), bytes.as_ptr_range());
        bytes.is_empty() || (outer.start <= inner.start && inner.end <= outer.end)
    };
    if let Some(Ok(payload)) = boot_payload(file) {
        ensure!(is_within(payload), "a kernel of {} bytes is not in the bzImage", payload.len());
    }
    let Ok(sections) = loaded_sections(file) else { return Ok(()) };
    let borrowed = sections.iter().filter_map(|section| match &section.bytes {
        std::borrow::Cow::Borrowed(bytes) => Some(*bytes),
        std::borrow::Cow::Owned(_) => None,
    });
    ensure!(borrowed.clone().all(is_within), "a section is not in the file");
    let size: usize = borrowed.map(<[u8]>::len).sum();
    ensure!(size <= file.len(), "{size} bytes of sections in {} bytes", file.len());
    let signed = sign(file, Algorithm::Sha256).map_err(|error| error.to_string())?;
    let again = ksplat::image::kernel_signature(file, Algorithm::Sha256).map_err(|error| error.to_string())?;
    ensure!(signed.signature == again, "{} and {again}", signed.signature);
    Ok(())
}

/// A kernel that can be taken apart has its parts in order, and differs in nothing from itself.
pub(crate) fn a_kernel_is_the_same_as_itself(file: &[u8]) -> Result<(), String> {
    let Ok(image) = Image::parse(file) else { return Ok(()) };
    let sources = Sources::of(&image);
    let Ok(apart) = Apart::new(&image, sources.as_ref()) else { return Ok(()) };
    let again = Apart::new(&image, sources.as_ref()).map_err(|error| error.to_string())?;
    ensure!(apart.signature() == again.signature(), "two signatures of one kernel");
    let difference = apart.difference(&again);
    ensure!(difference.changes.is_empty(), "{:?}", difference.changes);
    let mut last = 0;
    for part in apart.program.parts() {
        ensure!(last <= part.begin && part.begin < part.end, "{part:?} behind {last:#x}");
        last = part.end;
        let listing = apart.program.listing(part);
        let is_inside = |line: &Line| line.offset < part.end - part.begin;
        ensure!(listing.lines.iter().all(is_inside), "an instruction outside of {part:?}");
        ensure!(hunks(&listing, &listing).is_empty(), "{part:?} differs from itself");
        if part.kind == PartKind::Function
            && let Some(sources) = &sources
        {
            sources.place(apart.program.link_addr(part, 0));
        }
    }
    Ok(())
}
