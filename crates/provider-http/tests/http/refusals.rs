//! What is logged of the requests of clients that are refused.

use crate::{
    par::Lines,
    support::{World, form_request},
};

#[tokio::test]
async fn the_log_names_the_client_its_address_and_the_cause() {
    let (lines, _guard) = Lines::keep();
    let world = World::new().await;
    for (path, what) in [
        ("/connect/par", "a pushed authorization request was refused"),
        ("/connect/deviceauthorization", "a device authorization request was refused"),
        ("/connect/introspect", "an introspection request was refused"),
    ] {
        world.send(form_request(path, &[("client_id", "nobody")])).await;
        let text = lines.text();
        let line = text.lines().find(|line| line.contains(what)).expect(path);
        for field in [r#" client_id="nobody""#, " peer=", " cause="] {
            assert!(line.contains(field), "{field} is missing: {line}");
        }
    }
}
