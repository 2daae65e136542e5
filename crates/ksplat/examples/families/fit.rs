//! A logistic regression over steps: each term is cut at a few edges, and above an edge it adds a weight. What the titles
//! have in common chooses the weights, so there are three regressions.

use family::{TERMS, Terms, Titles};

/// Two reports that the engine compares.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// How they are alike.
    pub terms: Terms,
    /// True where they are one bug.
    pub same: bool,
    /// The folds of both.
    pub folds: (usize, usize),
}

/// Where a term is cut: these shares of its values above 0 lie below the edges.
const SHARES: [f32; 8] = [0.2, 0.4, 0.6, 0.75, 0.85, 0.92, 0.97, 0.99];
/// Weights are held to 0 as if by so many pairs.
const RIDGE: f32 = 2.0;
/// Passes over all weights.
const PASSES: usize = 30;

/// The table of the model that fits these pairs.
pub fn fit<'p>(pairs: impl Iterator<Item = &'p Pair>) -> String {
    let pairs: Vec<&Pair> = pairs.collect();
    let edges: Vec<Vec<f32>> = (0..TERMS.len()).map(|term| edges(&pairs, term)).collect();
    let columns = [Titles::Same, Titles::Related, Titles::Other].map(|titles| {
        let pairs: Vec<&Pair> = pairs.iter().filter(|pair| pair.terms.titles == titles).copied().collect();
        regression(&pairs, &edges)
    });
    let mut table = String::from(
        "# Written by `make families WRITE=--write`: term, edge, and what it adds for same, related and other titles.\n",
    );
    let [same, related, other] = columns.each_ref().map(|column| column.0);
    table.push_str(&format!("constant\t\t{same:.3}\t{related:.3}\t{other:.3}\n"));
    let mut step = 0;
    for (term, edges) in TERMS.iter().zip(&edges) {
        for edge in edges {
            let [same, related, other] = columns.each_ref().map(|column| column.1[step]);
            table.push_str(&format!("{}\t{edge}\t{same:.3}\t{related:.3}\t{other:.3}\n", term.name));
            step += 1;
        }
    }
    table
}

fn edges(pairs: &[&Pair], term: usize) -> Vec<f32> {
    let mut values: Vec<f32> = pairs.iter().map(|pair| pair.terms.values[term]).collect();
    values.sort_by(f32::total_cmp);
    let mut distinct = values.clone();
    distinct.dedup();
    if distinct.len() <= 8 {
        return distinct.windows(2).map(|two| (two[0] + two[1]) / 2.0).collect();
    }
    let above = &values[values.partition_point(|value| *value <= 0.0)..];
    let mut edges = vec![0.0];
    edges.extend(SHARES.iter().map(|share| {
        // Rounded, so that the table reads the same on every machine.
        let edge = above[(share * (above.len() - 1) as f32) as usize];
        (edge * 1000.0).round() / 1000.0
    }));
    edges.dedup();
    edges
}

/// The constant and the weights, by Newton's method, one weight after the other.
fn regression(pairs: &[&Pair], edges: &[Vec<f32>]) -> (f32, Vec<f32>) {
    let steps: Vec<(usize, f32)> =
        edges.iter().enumerate().flat_map(|(term, edges)| edges.iter().map(move |edge| (term, *edge))).collect();
    // For each step, the pairs above its edge.
    let above: Vec<Vec<u32>> = steps
        .iter()
        .map(|(term, edge)| {
            let above = pairs.iter().enumerate().filter(|(_, pair)| pair.terms.values[*term] > *edge);
            above.map(|(number, _)| number as u32).collect()
        })
        .collect();
    let same: Vec<f32> = pairs.iter().map(|pair| f32::from(u8::from(pair.same))).collect();
    let all: Vec<u32> = (0..pairs.len() as u32).collect();
    let mut odds = vec![0.0f32; pairs.len()];
    let (mut constant, mut weights) = (0.0f32, vec![0.0f32; steps.len()]);
    let newton = |odds: &mut [f32], members: &[u32], weight: f32, ridge: f32| {
        let (mut slope, mut curve) = (f64::from(ridge * weight), f64::from(ridge) + 1e-3);
        for member in members {
            let probability = 1.0 / (1.0 + (-odds[*member as usize]).exp());
            slope += f64::from(probability - same[*member as usize]);
            curve += f64::from(probability * (1.0 - probability));
        }
        let change = (-(slope / curve)).clamp(-1.0, 1.0) as f32;
        members.iter().for_each(|member| odds[*member as usize] += change);
        weight + change
    };
    for _ in 0..PASSES {
        constant = newton(&mut odds, &all, constant, 0.0);
        for (weight, members) in weights.iter_mut().zip(&above) {
            *weight = newton(&mut odds, members, *weight, RIDGE);
        }
    }
    (constant, weights)
}
