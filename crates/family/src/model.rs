//! From the ways in which two reports are alike to the probability that they are one bug.
//!
//! The model is a sum of steps: `term<TAB>edge<TAB>same<TAB>related<TAB>other`, where a term above the edge adds the weight
//! of how the titles are related to the log-odds. The row `constant` has no edge. `model.tsv` is written by the example
//! `fit`, which also says how it was chosen.

use crate::terms::{TERMS, Terms, Titles};

/// The table that ships.
const SHIPPED: &str = include_str!("model.tsv");

/// The weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    constant: [f32; 3],
    steps: Vec<Step>,
}

/// What a term above an edge adds to the log-odds, by what the titles have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    term: usize,
    edge: f32,
    weights: [f32; 3],
}

/// What a term adds to the log-odds of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// Number of the term in [`TERMS`].
    pub term: usize,
    /// Its value.
    pub value: f32,
    /// What it adds.
    pub weight: f32,
}

impl Default for Model {
    fn default() -> Model {
        Model::parse(SHIPPED).expect("the shipped table is sound: `model::tests`")
    }
}

impl Model {
    /// Reads a table. What is wrong with it.
    pub fn parse(text: &str) -> Result<Model, String> {
        let mut model = Model { constant: [0.0; 3], steps: Vec::new() };
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let wrong = || format!("line {}: no term, edge and three weights", number + 1);
            let mut cells = line.split('\t');
            let (name, edge) = (cells.next().ok_or_else(wrong)?, cells.next().ok_or_else(wrong)?);
            let weights: Vec<f32> = cells.map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
            let weights: [f32; 3] = weights.try_into().map_err(|_| wrong())?;
            if name == "constant" {
                model.constant = weights;
                continue;
            }
            let term = TERMS.iter().position(|term| term.name == name).ok_or_else(wrong)?;
            model.steps.push(Step { term, edge: edge.parse().map_err(|_| wrong())?, weights });
        }
        Ok(model)
    }

    /// The probability that two reports are one bug.
    pub fn probability(&self, terms: &Terms) -> f32 {
        let column = column(terms.titles);
        let steps = self.steps.iter().filter(|step| terms.values[step.term] > step.edge);
        let odds = self.constant[column] + steps.map(|step| step.weights[column]).sum::<f32>();
        1.0 / (1.0 + (-odds).exp())
    }

    /// What each term adds to the log-odds, the most first; terms that add nothing are left out.
    pub fn reasons(&self, terms: &Terms) -> Vec<Reason> {
        let column = column(terms.titles);
        let mut weights = [0.0; TERMS.len()];
        for step in self.steps.iter().filter(|step| terms.values[step.term] > step.edge) {
            weights[step.term] += step.weights[column];
        }
        let reason = |(term, weight): (usize, &f32)| Reason { term, value: terms.values[term], weight: *weight };
        let mut reasons: Vec<Reason> = weights.iter().enumerate().map(reason).filter(|r| r.weight != 0.0).collect();
        reasons.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()).then(a.term.cmp(&b.term)));
        reasons
    }
}

pub(crate) fn column(titles: Titles) -> usize {
    match titles {
        Titles::Same => 0,
        Titles::Related => 1,
        Titles::Other => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_sound() {
        assert!(Model::parse(SHIPPED).expect("a table").steps.len() > 10);
    }

    #[test]
    fn steps_add_up() {
        let model =
            Model::parse("constant\t\t0\t0\t-1\nfunctions\t0.5\t1\t2\t3\nfunctions\t0.8\t1\t1\t1\n").expect("a table");
        let mut terms = Terms { values: [0.0; TERMS.len()], titles: Titles::Other };
        assert!((model.probability(&terms) - 0.2689).abs() < 1e-3);
        let functions = TERMS.iter().position(|term| term.name == "functions").expect("a term");
        terms.values[functions] = 0.9;
        assert!((model.probability(&terms) - 0.9526).abs() < 1e-3);
        assert_eq!(model.reasons(&terms), [Reason { term: functions, value: 0.9, weight: 4.0 }]);
        assert!(Model::parse("nothing\t1\t1\t1\t1").is_err());
        assert!(Model::parse("functions\t1\t1").is_err());
    }
}
