//! The addr2line crate on a linked image: `gimli-addr2line IMAGE < ADDRESSES`.

use std::borrow::Cow;

use addr2line::{Context, gimli};
use ksplat_peers::{Failure, answer_all, call, map};
use object::{Object, ObjectSection};

fn main() -> Result<(), Failure> {
    let bytes = map(1)?;
    let file = object::File::parse(&*bytes)?;
    let section = |id: gimli::SectionId| -> Result<_, Failure> {
        let data = match file.section_by_name(id.name()) {
            Some(section) => section.uncompressed_data()?,
            None => Cow::Borrowed(&[][..]),
        };
        let Cow::Borrowed(data) = data else { return Err("compressed sections are not read here".into()) };
        Ok(gimli::EndianSlice::new(data, gimli::LittleEndian))
    };
    let context = Context::from_dwarf(gimli::Dwarf::load(section)?)?;
    answer_all(|address, out| {
        let mut frames = context.find_frames(address).skip_all_loads()?;
        let mut is_known = false;
        while let Some(frame) = frames.next()? {
            is_known = true;
            let name = frame.function.as_ref().map_or(Ok(Cow::Borrowed("??")), |name| name.raw_name())?;
            let place = frame.location;
            call(out, name, place.as_ref().and_then(|place| place.file), place.as_ref().and_then(|place| place.line))?;
        }
        if !is_known {
            call(out, "??", None::<&str>, None)?;
        }
        Ok(())
    })
}
