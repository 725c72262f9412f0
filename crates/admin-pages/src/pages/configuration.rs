//! The configuration in effect, without secrets. It is changed in its file.

use doorward_admin::{Operation, types::system::ConfigurationView};
use leptos::prelude::*;

use crate::{
    api::Call,
    session::Session,
    ui::{self, alert, card, fill, nothing, object::Object},
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let call = Call::new(Operation::ReadConfiguration, &[]);
    let body = Object::<ConfigurationView>::new(session, call).view(move |read| {
        let view = read.value;
        // A region that scrolls can be reached by keyboard.
        let text = view! {
            <pre class="code configuration" tabindex="0" role="region" aria-label=t.configuration>
                {view.toml}
            </pre>
        };
        let waiting = (!view.needs_restart.is_empty()).then(|| {
            let keys = view.needs_restart.join(", ");
            alert("alert-info", fill(t.configuration_needs_restart, &[&keys]))
        });
        view! {
            {alert("alert-info", fill(t.configuration_is_read_only, &[&view.file]))}
            {waiting}
            {card(view.file, nothing(), text.into_any())}
        }
        .into_any()
    });
    view! { {ui::heading(t.configuration, nothing())} {body} }.into_any()
}
