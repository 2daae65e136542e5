//! Addresses of a kernel, and an oops made of some, the same ones in every run.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ksplat::image::{Image, Symbol};
use testkit::Numbers;

use super::{DISTINCT, DRAWN_FROM, DRAWS};

/// Frames of the oops.
const FRAMES: usize = 25;
/// Addresses of a module.
const OF_MODULE: usize = 5;

/// The text of a kernel.
pub struct Kernel<'k> {
    image: Image<'k>,
    start: u64,
    size: usize,
}

impl<'k> Kernel<'k> {
    /// Reads a kernel or a module.
    pub fn parse(bytes: &'k [u8]) -> io::Result<Kernel<'k>> {
        let image = Image::parse(bytes).map_err(io::Error::other)?;
        let text = image.sections().find(|(_, name, ..)| *name == ".text").map(|(_, _, size, _)| size as usize);
        let (start, size) = image.section_start(".text").zip(text).ok_or_else(|| io::Error::other("no .text"))?;
        Ok(Kernel { image, start, size })
    }

    /// Addresses inside of functions, each byte with the same chance.
    fn addresses(&self, count: usize, numbers: &mut Numbers) -> Vec<(u64, Symbol<'k>)> {
        let mut found = Vec::with_capacity(count);
        while found.len() < count {
            let some: Vec<u64> = (0..count).map(|_| self.start + numbers.below(self.size) as u64).collect();
            let inside =
                |(flat, symbol): &(u64, Symbol<'_>)| *flat > symbol.flat && *flat - symbol.flat < symbol.elf_size;
            let symbols = self.image.symbols_at(&some);
            found.extend(
                some.into_iter().zip(symbols).filter_map(|(flat, symbol)| Some((flat, symbol?))).filter(inside),
            );
        }
        found.truncate(count);
        found
    }
}

/// Files of addresses, one a line.
pub struct Inputs {
    /// Where the kernel's text begins.
    pub start: String,
    /// A report whose frames are all of the kernel.
    pub oops: PathBuf,
    /// The addresses of the same frames.
    pub frames: PathBuf,
    /// Different ones.
    pub distinct: PathBuf,
    /// Some of them often.
    pub draws: PathBuf,
}

impl Inputs {
    /// Those that were written to a folder.
    pub fn read(folder: &Path) -> io::Result<Inputs> {
        let start = fs::read_to_string(folder.join("start"))?;
        let [oops, frames, distinct, draws] = ["oops", "frames", "distinct", "draws"].map(|name| folder.join(name));
        Ok(Inputs { start, oops, frames, distinct, draws })
    }
}

/// Writes them for a kernel.
pub fn write(folder: &Path, kernel: &Kernel<'_>) -> io::Result<()> {
    let mut numbers = Numbers::new(6);
    let put = |name: &str, text: String| fs::write(folder.join(name), text);
    let frames = kernel.addresses(FRAMES, &mut numbers);
    let mut oops =
        String::from("BUG: kernel NULL pointer dereference, address: 0000000000000000\nCall Trace:\n <TASK>\n");
    for (flat, symbol) in &frames {
        // What is printed is where the call returns to.
        let (offset, size) = (flat - symbol.flat + 1, symbol.size.expected());
        let _ = writeln!(oops, " {}+{offset:#x}/{size:#x}", symbol.name);
    }
    oops.push_str(" </TASK>\n");
    let mut flats: Vec<u64> = kernel.addresses(2 * DISTINCT, &mut numbers).iter().map(|(flat, _)| *flat).collect();
    flats.sort_unstable();
    flats.dedup();
    // In no order.
    let distinct: Vec<u64> =
        (0..DISTINCT.min(flats.len())).map(|_| flats.swap_remove(numbers.below(flats.len()))).collect();
    let many: Vec<u64> = kernel.addresses(DRAWN_FROM, &mut numbers).iter().map(|(flat, _)| *flat).collect();
    let draws: Vec<u64> = (0..DRAWS).map(|_| many[zipf(&mut numbers, many.len())]).collect();
    put("start", format!("{:#x}", kernel.start))?;
    put("oops", oops)?;
    put("frames", lines(frames.iter().map(|(flat, _)| *flat)))?;
    put("distinct", lines(distinct.into_iter()))?;
    put("draws", lines(draws.into_iter()))
}

/// Writes addresses of a module, from the start of its `.text`.
pub fn write_module(folder: &Path, module: &Kernel<'_>) -> io::Result<()> {
    let places = module.addresses(OF_MODULE, &mut Numbers::new(6));
    fs::write(folder.join("module"), lines(places.iter().map(|(flat, _)| flat - module.start)))
}

/// A number below `count`, number n with a chance of 1/(n + 1) of that of number 0, by the inverse of the distribution.
fn zipf(numbers: &mut Numbers, count: usize) -> usize {
    const STEPS: usize = 1 << 30;
    let chance = numbers.below(STEPS) as f64 / STEPS as f64;
    let n = ((count as f64 + 1.0).ln() * chance).exp() as usize;
    n.saturating_sub(1).min(count - 1)
}

fn lines(addresses: impl Iterator<Item = u64>) -> String {
    addresses.fold(String::new(), |mut text, address| {
        let _ = writeln!(text, "{address:#x}");
        text
    })
}

/// A file of this name below a folder.
pub fn find(folder: &OsStr, name: &str) -> Option<PathBuf> {
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.file_name() == Some(OsStr::new(name)) => return Some(path),
                false => {}
            }
        }
    }
    None
}
