//! Fits the model of the bug families on the labelled reports of `../shared/corpus`, and says how good it is.
//!
//! `families CORPUS` prints the tables of FAMILIES.md, cross-validated by group; `families CORPUS --write` writes
//! `crates/family/src/model.tsv` and `rarity.tsv` first.

mod data;
mod fit;
mod score;

use std::path::Path;

use family::{Families, Model, Placement, Rarity};

use data::Labelled;
use fit::Pair;
use score::Table;

/// The folds of the cross-validation; a group is in one of them.
const FOLDS: usize = 5;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let corpus = arguments.first().ok_or("usage: families CORPUS [--write]")?;
    let reports = data::read(Path::new(corpus))?;
    let mut rarity = Rarity::new();
    reports.iter().filter_map(|report| report.traits.as_ref()).for_each(|traits| rarity.learn(traits));
    // What ships is what is judged.
    let rarity = rarity.to_text(3);
    let table = Rarity::parse(&rarity)?;
    let pairs = pairs(&reports, &table);
    let model = fit::fit(pairs.iter());
    if arguments.iter().any(|argument| argument == "--write") {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../family/src");
        let write = |name: &str, text: &str| std::fs::write(home.join(name), text).map_err(|e| format!("{name}: {e}"));
        write("rarity.tsv", &rarity)?;
        write("model.tsv", &model)?;
    }
    let models: Vec<Model> = (0..FOLDS)
        .map(|fold| {
            let others = pairs.iter().filter(|pair| pair.folds.0 != fold && pair.folds.1 != fold);
            Model::parse(&fit::fit(others))
        })
        .collect::<Result<_, _>>()?;
    let placements = stream(&reports, &table, |report| &models[report.fold]);
    println!("{}", Table::of(&reports, &placements));
    let own = Model::parse(&model)?;
    let placements = stream(&reports, &table, |_| &own);
    println!("by the model that ships, which has seen these reports:\n{}", Table::of(&reports, &placements));
    Ok(())
}

/// Puts all reports into families, in the order of the file. Reports that were not recognised have none.
fn stream<'m>(reports: &[Labelled], rarity: &Rarity, model: impl Fn(&Labelled) -> &'m Model) -> Vec<Option<Placement>> {
    let mut families = Families::new(rarity.clone());
    reports.iter().map(|report| Some(families.add(report.traits.as_ref()?, model(report)))).collect()
}

/// The pairs that the engine compares, with what is known of them; without storms.
fn pairs(reports: &[Labelled], rarity: &Rarity) -> Vec<Pair> {
    let mut families = Families::new(rarity.clone());
    let nothing = Model::parse("").expect("an empty table is one");
    let mut known: Vec<&Labelled> = Vec::new();
    let mut pairs = Vec::new();
    for report in reports {
        let Some(traits) = &report.traits else { continue };
        let placement = families.add(traits, &nothing);
        known.push(report);
        for candidate in placement.candidates {
            let other = known[candidate.report as usize];
            if !report.storm && !other.storm {
                let terms = families.terms(placement.report, candidate.report);
                pairs.push(Pair { terms, same: report.group == other.group, folds: (report.fold, other.fold) });
            }
        }
    }
    pairs
}
