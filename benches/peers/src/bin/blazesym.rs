//! blazesym on an image: `blazesym IMAGE < ADDRESSES`, all of them in one request.

use std::io::{self, BufRead, BufWriter, Write};

use blazesym::symbolize::source::{Elf, Source};
use blazesym::symbolize::{CodeInfo, Input, Symbolized, Symbolizer};
use ksplat_peers::{Failure, call};

fn main() -> Result<(), Failure> {
    let source = Source::Elf(Elf::new(std::env::args().nth(1).ok_or("no image is named")?));
    let address = |line: io::Result<String>| -> Result<u64, Failure> {
        Ok(u64::from_str_radix(line?.trim_start_matches("0x"), 16)?)
    };
    let addresses: Vec<u64> = io::stdin().lock().lines().map(address).collect::<Result<_, _>>()?;
    let symbolizer = Symbolizer::new();
    let answers = symbolizer.symbolize(&source, Input::VirtOffset(&addresses))?;
    let mut out = BufWriter::new(io::stdout().lock());
    for (address, answer) in addresses.iter().zip(&answers) {
        writeln!(out, "{address:#018x}")?;
        let place = |info: Option<&CodeInfo<'_>>| {
            (info.map(|info| info.to_path().display().to_string()), info.and_then(|info| info.line))
        };
        let Symbolized::Sym(symbol) = answer else {
            call(&mut out, "??", None::<&str>, None)?;
            continue;
        };
        for inlined in symbol.inlined.iter().rev() {
            let (file, line) = place(inlined.code_info.as_ref());
            call(&mut out, &inlined.name, file, line)?;
        }
        let (file, line) = place(symbol.code_info.as_deref());
        call(&mut out, &symbol.name, file, line)?;
    }
    Ok(out.flush()?)
}
