//! One file from the parts of an image. The same parts give the same bytes, in whatever order they come.

use std::collections::HashMap;

use image::Image;

use super::part::Part;
use super::{ASK, BLOCK, FIRST_NODE, NOTHING, ROOT, Stretch, file, put_varint, strings};
use crate::{Miss, dwarf};

/// Makes the index of an image from all of its parts, under a key that says which image it is (at most 64 bytes count).
pub fn write(image: &Image<'_>, key: &str, mut parts: Vec<Part<'_>>) -> Result<Vec<u8>, Miss> {
    parts.sort_by_key(|part| part.ranges.first().map_or(u64::MAX, |range| range.start));
    let lowest = parts.iter().flat_map(|part| &part.ranges).map(|range| range.start);
    let base = lowest.chain(image.lowest_text()).min().unwrap_or(0);
    let near = |flat: u64| u32::try_from(flat - base).map_err(|_| Miss::TooLarge("text of an image"));

    let texts = Texts::of(&parts);
    let files = Files::of(&parts, &texts);
    let mut nodes = Vec::new();
    // Runs of stretches in rising order of their addresses.
    let mut runs: Vec<Vec<Stretch>> = Vec::new();
    for part in &parts {
        let Some(found) = &part.found else {
            for range in &part.ranges {
                let edge = |begin, call| Stretch { begin, call, file: 0, line: 0, is_entry: false };
                runs.push(vec![edge(near(range.start)?, ASK), edge(near(range.end)?, NOTHING)]);
            }
            continue;
        };
        let names: Vec<u64> = found.names.iter().map(|name| texts.number(name)).collect();
        let file = |number: u64| found.files.get(&number).map_or(0, |file| files.number(file));
        let mut places: Vec<u64> = Vec::with_capacity(found.calls.len());
        for call in &found.calls {
            let place = nodes.len() as u64;
            let parent = (call.parent as usize).checked_sub(1).and_then(|parent| places.get(parent));
            put_varint(parent.map_or(0, |parent| place - parent), &mut nodes);
            put_varint(names.get(call.name as usize).copied().unwrap_or(0), &mut nodes);
            put_varint(call.file.map_or(0, file), &mut nodes);
            put_varint(u64::from(call.line.unwrap_or(0)), &mut nodes);
            places.push(place);
        }
        let stretch = |stretch: &dwarf::Stretch| {
            let call = match stretch.call {
                dwarf::NOTHING => NOTHING,
                dwarf::ROOT => ROOT,
                call => FIRST_NODE + places[call as usize - 1],
            };
            let (file, line) = stretch.row.map_or((0, 0), |(number, line)| (file(u64::from(number)), line));
            Ok(Stretch { begin: near(stretch.begin)?, call, file, line, is_entry: stretch.is_entry })
        };
        let mut rest = &found.stretches[..];
        for range in &part.ranges {
            let (run, behind) = rest.split_at(rest.partition_point(|stretch| stretch.begin < range.end));
            // The last one says that nothing follows.
            let end = behind.first().map_or(0, |_| 1);
            runs.push(run.iter().chain(&behind[..end]).map(stretch).collect::<Result<_, Miss>>()?);
            rest = &behind[end..];
        }
    }
    runs.sort_by_key(|run| run.first().map(|stretch| stretch.begin));

    let (blocks, stretches) = put_stretches(&runs);
    let (groups, text) = strings::put(&texts.sorted);
    let (by_name, by_address) = image.symbol_index(base).ok_or(Miss::TooLarge("text of an image"))?;
    let sections = [blocks, stretches, nodes, files.records, by_name, by_address, groups, text];
    Ok(file::put(key, base, image.symbol_count() as u32, sections))
}

/// Puts runs of stretches down in blocks.
fn put_stretches(runs: &[Vec<Stretch>]) -> (Vec<u8>, Vec<u8>) {
    let (mut blocks, mut out) = (Vec::new(), Vec::new());
    let mut all = runs.iter().flatten().copied().peekable();
    let (mut count, mut node) = (0, FIRST_NODE);
    let mut before = Stretch { begin: 0, call: ROOT, file: 0, line: 0, is_entry: false };
    while let Some(stretch) = all.next() {
        // Where one run ends the next may begin.
        if stretch.call == NOTHING && all.peek().is_some_and(|next| next.begin == stretch.begin) {
            continue;
        }
        if count % BLOCK == 0 {
            blocks.extend(stretch.begin.to_le_bytes());
            blocks.extend((out.len() as u32).to_le_bytes());
            put_varint(node, &mut out);
            before = Stretch { begin: stretch.begin, call: ROOT, file: 0, line: 0, is_entry: false };
        }
        stretch.put(&before, &mut node, &mut out);
        before = stretch;
        count += 1;
    }
    (blocks, out)
}

/// All strings, each once, in order.
struct Texts<'p> {
    sorted: Vec<&'p str>,
    numbers: HashMap<&'p str, u32>,
}

impl<'p> Texts<'p> {
    fn of(parts: &'p [Part<'_>]) -> Texts<'p> {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        for found in parts.iter().filter_map(|part| part.found.as_ref()) {
            numbers.extend(found.names.iter().map(|name| (&**name, 0)));
            numbers.extend(found.files.values().map(|(path, _)| (path.as_str(), 0)));
        }
        let mut sorted: Vec<&str> = numbers.keys().copied().collect();
        sorted.sort_unstable();
        for (n, text) in sorted.iter().enumerate() {
            numbers.insert(text, n as u32);
        }
        Texts { sorted, numbers }
    }

    fn number(&self, text: &str) -> u64 {
        self.numbers.get(text).copied().map_or(0, u64::from)
    }
}

/// All files, those that most units name first, since small numbers are short.
struct Files {
    /// Numbers from 1, by path and by how much of it is the build's directory.
    numbers: HashMap<(String, usize), u64>,
    records: Vec<u8>,
}

impl Files {
    fn of(parts: &[Part<'_>], texts: &Texts<'_>) -> Files {
        let mut uses: HashMap<&(String, usize), usize> = HashMap::new();
        for found in parts.iter().filter_map(|part| part.found.as_ref()) {
            for file in found.files.values() {
                *uses.entry(file).or_default() += 1;
            }
        }
        let mut files: Vec<_> = uses.into_iter().collect();
        files.sort_unstable_by_key(|(file, uses)| (std::cmp::Reverse(*uses), *file));
        let mut all = Files { numbers: HashMap::new(), records: Vec::new() };
        for (n, (file, _)) in files.into_iter().enumerate() {
            all.numbers.insert(file.clone(), n as u64 + 1);
            all.records.extend((texts.number(&file.0) as u32).to_le_bytes());
            all.records.extend((file.1 as u32).to_le_bytes());
        }
        all
    }

    fn number(&self, file: &(String, usize)) -> u64 {
        self.numbers.get(file).copied().unwrap_or(0)
    }
}
