//! A flame graph: <https://www.brendangregg.com/flamegraphs.html>. Each box is a function, as wide as the part of the samples that
//! it or its callees took. Callers are below.

use std::collections::BTreeMap;
use std::fmt::Write;

use rustc_demangle::demangle;
use serde_json::Value;

/// The number of samples of each stack, from the outermost function to the innermost.
pub(super) type Stacks = BTreeMap<Vec<String>, u64>;

/// Reads the stacks of a profile: "Processed profile format" of
/// <https://github.com/firefox-devtools/profiler/blob/main/docs-developer/processed-profile-format.md>.
pub(super) fn stacks(profile: &[u8]) -> Option<Stacks> {
    let profile: Value = serde_json::from_slice(profile).ok()?;
    let mut stacks = Stacks::new();
    for thread in profile["threads"].as_array()? {
        let of_thread = thread["stringArray"].as_array();
        let strings = of_thread.or_else(|| profile["shared"]["stringArray"].as_array())?;
        let number = |table: &str, column: &str, index: usize| {
            let value = &thread[table][column][index];
            value.as_u64().and_then(|value| usize::try_from(value).ok())
        };
        let samples = thread["samples"]["stack"].as_array()?;
        for sample in samples {
            let mut stack = Vec::new();
            let mut at = sample
                .as_u64()
                .and_then(|index| usize::try_from(index).ok());
            while let Some(index) = at {
                let function = number("frameTable", "func", number("stackTable", "frame", index)?)?;
                let name = strings
                    .get(number("funcTable", "name", function)?)?
                    .as_str()?;
                stack.push(format!("{:#}", demangle(name)));
                at = number("stackTable", "prefix", index);
            }
            stack.reverse();
            *stacks.entry(stack).or_default() += 1;
        }
    }
    stacks.remove(&Vec::new());
    Some(stacks)
}

/// A function in the graph, with the functions that it calls.
#[derive(Default)]
struct Node {
    samples: u64,
    callees: BTreeMap<String, Node>,
}

impl Node {
    fn depth(&self) -> usize {
        self.callees
            .values()
            .map(|callee| 1 + callee.depth())
            .max()
            .unwrap_or_default()
    }
}

const WIDTH: f64 = 1200.0;
const ROW: usize = 18;

/// The width of a letter.
const LETTER: f64 = 6.7;

/// Returns the graph.
pub(super) fn svg(title: &str, stacks: &Stacks) -> String {
    let mut all = Node::default();
    for (stack, samples) in stacks {
        let mut node = &mut all;
        node.samples += samples;
        for name in stack {
            node = node.callees.entry(name.clone()).or_default();
            node.samples += samples;
        }
    }
    let height = (all.depth() + 2) * ROW + 12;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"6\" y=\"14\" font-size=\"13\">{}</text>\n",
        escaped(&format!("{title}: {} samples", all.samples))
    );
    let bottom = height - ROW - 6;
    draw(&mut svg, &all, 0.0, bottom, all.samples.max(1));
    svg + "</svg>\n"
}

/// Draws the callees of a node beside each other, from this place on.
fn draw(svg: &mut String, node: &Node, mut x: f64, y: usize, all: u64) {
    for (name, callee) in &node.callees {
        let width = callee.samples as f64 / all as f64 * WIDTH;
        let share = callee.samples as f64 * 100.0 / all as f64;
        // The same function has the same colour.
        let hue = name
            .bytes()
            .fold(0u32, |hash, byte| hash.wrapping_mul(31) + u32::from(byte))
            % 50;
        let text_y = y + ROW - 6;
        let (name_shown, letters) = (escaped(name), ((width - 6.0) / LETTER) as usize);
        // Writing into a String cannot fail.
        let _ = writeln!(
            svg,
            "<g><title>{name_shown} ({} samples, {share:.1} %)</title><rect x=\"{x:.2}\" y=\"{y}\" width=\"{width:.2}\" height=\"{}\" fill=\"hsl({hue} 85% 65%)\" stroke=\"#fff\" stroke-width=\"0.5\"/>{}</g>",
            callee.samples,
            ROW - 1,
            match letters {
                0..3 => String::new(),
                letters => format!(
                    "<text x=\"{:.2}\" y=\"{text_y}\">{}</text>",
                    x + 3.0,
                    escaped(&cut(name, letters))
                ),
            }
        );
        draw(svg, callee, x, y.saturating_sub(ROW), all);
        x += width;
    }
}

fn cut(text: &str, letters: usize) -> String {
    match text.chars().count() > letters {
        true => text.chars().take(letters - 1).chain(['\u{2026}']).collect(),
        false => text.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace(char::is_control, "?");
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_as_wide_as_its_part_of_the_samples() {
        let stack = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let stacks = Stacks::from([
            (stack(&["main", "a<b>"]), 3),
            (stack(&["main", "c", "d"]), 1),
        ]);
        let svg = svg("F & G", &stacks);
        assert!(svg.contains(">F &amp; G: 4 samples</text>"), "{svg}");
        for (name, x, width) in [
            ("main (4 samples, 100.0 %)", "0.00", "1200.00"),
            ("a&lt;b&gt; (3 samples, 75.0 %)", "0.00", "900.00"),
            ("c (1 samples, 25.0 %)", "900.00", "300.00"),
            ("d (1 samples, 25.0 %)", "900.00", "300.00"),
        ] {
            let (_, rest) = svg.split_once(&format!("<title>{name}</title>")).unwrap();
            assert!(rest.starts_with(&format!("<rect x=\"{x}\" y=\"")), "{rest}");
            assert!(
                rest.split('>')
                    .next()
                    .unwrap()
                    .contains(&format!("width=\"{width}\"")),
                "{rest}"
            );
        }
    }
}
