//! `docs/guides/monitoring.md` explains every audit event, and none that there is not.

#![allow(clippy::unwrap_used)]

use doorward_provider::audit::Event;

#[test]
fn the_guide_explains_every_event_in_its_order() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/monitoring.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let (_, events) = guide.split_once("### Audit events").unwrap();
    let rows = events.lines().filter_map(|line| line.strip_prefix("| `"));
    let explained: Vec<&str> =
        rows.filter_map(|row| row.split('`').next()).filter(|name| *name != "event").collect();
    assert_eq!(explained, Event::NAMES);
}
