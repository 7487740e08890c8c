//! The few shapes of SVG that the plots need, and a logarithmic axis.

use std::fmt::Write;

/// Where a text's position is on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG under construction. Coordinates are pixels from the top left.
#[derive(Debug)]
pub(super) struct Canvas {
    svg: String,
}

impl Canvas {
    /// A white page.
    pub(super) fn new(width: f64, height: f64) -> Canvas {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"system-ui, sans-serif\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        Canvas { svg }
    }

    /// A line of text with its baseline at `y`.
    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, size: f64, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.add(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" \
             fill=\"#222222\">{text}</text>"
        ));
    }

    /// A straight line.
    pub(super) fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, colour: &str, width: f64) {
        self.add(&format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" \
             stroke=\"{colour}\" stroke-width=\"{width}\"/>"
        ));
    }

    /// A dot that says what it is when pointed at.
    pub(super) fn dot(&mut self, x: f64, y: f64, radius: f64, colour: &str, title: &str) {
        let title = escape(title);
        self.add(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{colour}\"><title>{title}</title></circle>"
        ));
    }

    /// The finished document.
    pub(super) fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }

    fn add(&mut self, element: &str) {
        writeln!(self.svg, "{element}").expect("writing to a String does not fail");
    }
}

/// Text as XML content or attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Control characters are not allowed in XML, escaped or not.
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}

/// A logarithmic axis from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    left: f64,
    right: f64,
}

impl Scale {
    /// An axis that covers all positive `values`, with some air.
    pub(super) fn log(values: impl Iterator<Item = f64>, left: f64, right: f64) -> Scale {
        let positive = values.filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) = positive.fold((f64::INFINITY, 0.0_f64), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        let (low, high) = if high > 0.0 {
            (low / 1.2, high * 1.2)
        } else {
            (0.1, 10.0)
        };
        Scale {
            low: low.ln(),
            high: high.ln(),
            left,
            right,
        }
    }

    /// Where `value` is; what lies outside is drawn at the edge.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (value.max(f64::MIN_POSITIVE).ln() - self.low) / (self.high - self.low);
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Round numbers on the axis: 1, 2, 5, 10 and so on; fewer if that would be many.
    fn ticks(&self) -> Vec<f64> {
        let decades = (self.high - self.low) / std::f64::consts::LN_10;
        let steps: &[f64] = if decades > 4.0 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let first = (self.low / std::f64::consts::LN_10).floor() as i32;
        let last = (self.high / std::f64::consts::LN_10).ceil() as i32;
        let all = (first..=last)
            .flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
        all.filter(|tick| (self.low..=self.high).contains(&tick.ln()))
            .collect()
    }

    /// Draws grid lines and their labels.
    pub(super) fn grid(
        &self,
        canvas: &mut Canvas,
        top: f64,
        bottom: f64,
        label: impl Fn(f64) -> String,
    ) {
        for tick in self.ticks() {
            let x = self.at(tick);
            canvas.line(x, top, x, bottom, "#dddddd", 1.0);
            canvas.text(x, bottom + 14.0, Anchor::Middle, 10.0, &label(tick));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_character_is_escaped() {
        assert_eq!(
            escape("a<b>&\"c\"'d'\u{1}µ"),
            "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39; µ"
        );
    }

    #[test]
    fn equal_ratios_are_equally_far_apart() {
        let scale = Scale::log([0.1, 10.0].into_iter(), 0.0, 100.0);
        assert!((scale.at(1.0) - 50.0).abs() < 1e-9);
        assert!(((scale.at(2.0) - 50.0) - (50.0 - scale.at(0.5))).abs() < 1e-9);
    }

    #[test]
    fn what_lies_outside_is_drawn_at_the_edge() {
        let scale = Scale::log([1.0, 10.0].into_iter(), 20.0, 80.0);
        assert_eq!((scale.at(0.0), scale.at(1e9)), (20.0, 80.0));
    }

    #[test]
    fn an_axis_has_round_ticks_and_not_too_many() {
        assert_eq!(
            Scale::log([1.0, 10.0].into_iter(), 0.0, 1.0).ticks(),
            [1.0, 2.0, 5.0, 10.0]
        );
        assert!(Scale::log([1.0, 1e9].into_iter(), 0.0, 1.0).ticks().len() <= 11);
        assert!(!Scale::log([].into_iter(), 0.0, 1.0).ticks().is_empty());
    }
}
