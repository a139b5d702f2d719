//! Draws a figure.

use std::path::Path;

use anyhow::{Context, anyhow};
use plotters::prelude::*;

use super::figure::{Curve, Figure};

const SIZE: (u32, u32) = (860, 520);
const FONT: &str = "sans-serif";

/// Colors that people with color blindness can tell apart, after "Points of view: Color blindness" (Nature Methods 8, 441).
const COLORS: [RGBColor; 9] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
    RGBColor(160, 140, 0),
    RGBColor(0, 0, 0),
];

/// Draws a figure into a directory, as SVG, with `caption` below its title: on which machine it was measured, and when.
pub fn draw(figure: &Figure, caption: &str, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(figure.file).with_extension("svg");
    draw_to(figure, caption, &path)
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("drawing {}", path.display()))
}

fn draw_to(figure: &Figure, caption: &str, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let root = root.titled(figure.title, (FONT, 22))?;
    let root = root.titled(caption, (FONT, 12).into_font().color(&BLACK.mix(0.6)))?;
    let points = || figure.curves.iter().flat_map(|curve| &curve.points);
    let lowest = points().map(|point| point.lower).fold(f64::MAX, f64::min);
    let highest = points().map(|point| point.upper).fold(0.0, f64::max);
    let mut places: Vec<u32> = points().map(|point| point.at).collect();
    places.sort_unstable();
    places.dedup();
    let place = |at: u32| places.iter().position(|&place| place == at).unwrap_or(0) as f64;
    let across = -0.3..places.len() as f64 - 0.7;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(across, (lowest * 0.7..highest * 1.5).log_scale())?;
    let named = |x: &f64| {
        let index = x.round();
        let is_place = (x - index).abs() < 0.01 && index >= 0.0;
        let name = is_place.then(|| places.get(index as usize)).flatten();
        name.map(u32::to_string).unwrap_or_default()
    };
    chart
        .configure_mesh()
        .x_labels(places.len() * 2)
        .x_label_formatter(&named)
        .y_label_formatter(&|value| figure.unit.show(*value))
        .x_desc(figure.across)
        .disable_x_mesh()
        .label_style((FONT, 14))
        .light_line_style(BLACK.mix(0.05))
        .draw()?;
    for (index, Curve { name, points }) in figure.curves.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        let line = points.iter().map(|point| (place(point.at), point.median));
        let style = color.stroke_width(2);
        let drawn = chart.draw_series(LineSeries::new(line, style))?;
        drawn
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        chart.draw_series(points.iter().map(|point| {
            let x = place(point.at);
            ErrorBar::new_vertical(x, point.lower, point.median, point.upper, style.filled(), 6)
        }))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .label_font((FONT, 14))
        .draw()?;
    root.present()?;
    Ok(())
}
