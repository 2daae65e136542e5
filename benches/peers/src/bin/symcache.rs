//! Sentry's symcache: `symcache build IMAGE CACHE`, `symcache ask CACHE START < ADDRESSES`.

use std::fs::File;

use ksplat_peers::{Failure, answer_all, call, map};
use symbolic_debuginfo::Object;
use symbolic_symcache::{SymCache, SymCacheConverter};

fn main() -> Result<(), Failure> {
    match std::env::args().nth(1).as_deref() {
        Some("build") => build(),
        Some("ask") => ask(),
        _ => Err("build or ask".into()),
    }
}

fn build() -> Result<(), Failure> {
    let bytes = map(2)?;
    let mut converter = SymCacheConverter::new();
    converter.process_object(&Object::parse(&bytes)?)?;
    let cache = std::env::args().nth(3).ok_or("no cache is named")?;
    converter.serialize(&mut File::create(cache)?)?;
    Ok(())
}

fn ask() -> Result<(), Failure> {
    let bytes = map(2)?;
    let cache = SymCache::parse(&bytes)?;
    // A cache counts addresses from where the image begins in memory.
    let base: u64 = u64::from_str_radix(std::env::args().nth(3).ok_or("no start of the text is given")?.trim_start_matches("0x"), 16)?;
    answer_all(|address, out| {
        let mut is_known = false;
        for place in cache.lookup(address.wrapping_sub(base)) {
            is_known = true;
            call(out, place.function().name(), place.file().map(|file| file.full_path()), Some(place.line()))?;
        }
        if !is_known {
            call(out, "??", None::<&str>, None)?;
        }
        Ok(())
    })
}
