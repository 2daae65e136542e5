//! Symbol indexes, worked out on all cores.

use image::Image;
use rayon::prelude::*;
use symbolize::Miss;
use symbolize::index::{Source, write};

/// Makes the index of an image under a key; the same image gives the same bytes on any number of threads.
pub fn build_index(image: &Image<'_>, key: &str) -> Result<Vec<u8>, Miss> {
    let source = Source::open(image)?;
    let parts = (0..source.parts()).into_par_iter().map(|n| source.part(n)).collect();
    write(image, key, parts)
}
