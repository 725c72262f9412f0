//! Small charts, drawn as SVG: bars over time.

use leptos::prelude::*;

/// The height of the drawing.
const HEIGHT: f64 = 64.0;
/// The width of a bar, with the space after it.
const STEP: f64 = 10.0;

/// Bars for numbers in the order of time. `label` says all of it in words, since a picture says
/// nothing to those who can't see it. `names` say what each bar is.
pub fn bars(label: String, values: &[u64], names: &[String], class: &'static str) -> AnyView {
    let heights = heights(values);
    #[allow(clippy::cast_precision_loss)] // A few dozen.
    let width = values.len() as f64 * STEP;
    let bars = heights.into_iter().zip(values).zip(names).enumerate();
    let bars = bars.map(|(index, ((height, value), name))| {
        #[allow(clippy::cast_precision_loss)] // A few dozen.
        let x = index as f64 * STEP;
        let title = format!("{name}: {value}");
        view! {
            <rect class=class x=x y=HEIGHT - height width=STEP - 2.0 height=height rx="1.5">
                <title>{title}</title>
            </rect>
        }
    });
    let bars = bars.collect_view();
    let view_box = format!("0 0 {width} {HEIGHT}");
    view! {
        <svg class="chart" role="img" aria-label=label viewBox=view_box preserveAspectRatio="none">
            <line class="chart-base" x1="0" x2=width y1=HEIGHT y2=HEIGHT></line>
            {bars}
        </svg>
    }
    .into_any()
}

/// The largest number takes the whole height; a number that is not zero can be seen.
fn heights(values: &[u64]) -> Vec<f64> {
    let most = values.iter().copied().max().unwrap_or_default().max(1);
    #[allow(clippy::cast_precision_loss)] // A picture is not a table.
    let height = |value: u64| value as f64 / most as f64 * HEIGHT;
    values.iter().map(|&value| if value == 0 { 0.0 } else { height(value).max(2.0) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fit_and_can_be_seen() {
        assert_eq!(heights(&[]), Vec::<f64>::new());
        assert_eq!(heights(&[0, 0]), [0.0, 0.0]);
        let heights = heights(&[1_000_000, 1, 0, 500_000]);
        assert_eq!(heights, [64.0, 2.0, 0.0, 32.0]);
        assert_eq!(super::heights(&[u64::MAX]), [64.0]);
    }
}
