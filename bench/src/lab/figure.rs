//! The data of one plot: curves over memory sizes or workers.

use super::super::{measurement::Unit, report, statistics::quantile};

/// A plot, and a table with the same values.
pub struct Figure {
    /// Its file in `docs/figures/`, without `.svg`.
    pub file: &'static str,
    pub title: &'static str,
    /// The horizontal axis.
    pub across: &'static str,
    /// The vertical axis.
    pub unit: Unit,
    pub curves: Vec<Curve>,
}

/// One runtime's values.
pub struct Curve {
    pub name: String,
    pub points: Vec<Point>,
}

/// The median of some values, between their quartiles.
pub struct Point {
    pub at: u32,
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

impl Figure {
    /// A figure that has these curves, without points.
    pub fn new<'a>(
        file: &'static str,
        title: &'static str,
        across: &'static str,
        unit: Unit,
        curves: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let curve = |name: &str| Curve {
            name: name.to_owned(),
            points: Vec::new(),
        };
        Self {
            file,
            title,
            across,
            unit,
            curves: curves.into_iter().map(curve).collect(),
        }
    }

    /// Adds a point to a curve.
    pub fn push(&mut self, curve: usize, at: u32, values: &[f64]) {
        self.curves[curve].points.push(Point {
            at,
            lower: quantile(values, 0.25),
            median: quantile(values, 0.5),
            upper: quantile(values, 0.75),
        });
    }

    /// A heading and a Markdown table: a row for each curve, with medians and quartiles.
    pub fn table(&self) -> String {
        let places = self.curves.iter().flat_map(|curve| &curve.points);
        let mut places: Vec<u32> = places.map(|point| point.at).collect();
        places.sort_unstable();
        places.dedup();
        let header = std::iter::once(self.across.to_owned());
        let header = header.chain(places.iter().map(u32::to_string)).collect();
        let rows = self.curves.iter().map(|curve| {
            let cell = |at: &u32| {
                let point = curve.points.iter().find(|point| point.at == *at);
                point.map_or_else(|| "-".to_owned(), |point| self.cell(point))
            };
            let name = std::iter::once(curve.name.clone());
            name.chain(places.iter().map(cell)).collect()
        });
        let table = report::table(header, rows.collect());
        format!("### {}\n\n{table}", self.title)
    }

    fn cell(&self, point: &Point) -> String {
        let shown = |value| self.unit.show(value);
        let (lower, median, upper) = (shown(point.lower), shown(point.median), shown(point.upper));
        if lower == upper {
            median
        } else {
            format!("{median} ({lower}-{upper})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_place_for_each_point() {
        let mut figure = Figure::new("file", "Calls", "MB", Unit::Count, ["a", "b"]);
        figure.push(0, 128, &[1.0, 2.0, 3.0, 4.0, 5.0]);
        figure.push(1, 1769, &[7.0]);
        let expected = "### Calls\n\n\
                        | MB | 128     | 1769 |\n\
                        |----|---------|------|\n\
                        | a  | 3 (2-4) | -    |\n\
                        | b  | -       | 7    |\n";
        assert_eq!(figure.table(), expected);
    }
}
