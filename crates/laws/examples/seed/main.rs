//! Writes what fuzzing starts with: `seed FOLDER` leaves a dictionary and a corpus for each target in it (`make fuzz`).

mod corpus;
mod dictionary;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: seed FOLDER");
        return ExitCode::FAILURE;
    };
    match write(&folder) {
        Ok((words, seeds)) => {
            println!("{}: {words} words, {seeds} seeds", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("seed: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// How many words and seeds were written.
fn write(folder: &std::path::Path) -> io::Result<(usize, usize)> {
    let words = dictionary::words();
    fs::create_dir_all(folder)?;
    fs::write(folder.join("dictionary"), dictionary::text(&words))?;
    let seeds = corpus::seeds();
    for (target, name, bytes) in &seeds {
        fs::create_dir_all(folder.join(target))?;
        fs::write(folder.join(target).join(name), bytes)?;
    }
    Ok((words.len(), seeds.len()))
}
