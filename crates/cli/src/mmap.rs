//! Kernel images as memory maps: the one place with `unsafe`.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// Maps a file for as long as the process lives: images, symbols and debug information borrow from it.
pub fn map(path: &Path) -> io::Result<&'static [u8]> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if metadata.len() == 0 {
        return Ok(&[]);
    }
    #[expect(unsafe_code, reason = "a vmlinux is hundreds of megabytes, of which a decode touches few")]
    // SAFETY: the map is read only and private. Who changes the file while it is read gets wrong answers.
    let map = unsafe { Mmap::map(&file)? };
    Ok(Box::leak(Box::new(map)))
}
