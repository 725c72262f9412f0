//! A token taken apart.

use leptos::{either::Either, prelude::*, tachys::view::iterators::StaticVec};

use crate::decode::{DecodedToken, Opaque};

/// Header, claims and points in time of a JSON Web Token; or that it has none to show.
#[component]
pub fn DecodedView(
    /// What came of taking it apart.
    decoded: Result<DecodedToken, Opaque>,
) -> impl IntoView {
    match decoded {
        Ok(decoded) => Either::Left(parts(decoded)),
        Err(opaque) => Either::Right(view! { <p class="muted decoded">{opaque.to_string()}</p> }),
    }
}

fn parts(decoded: DecodedToken) -> impl IntoView {
    let time = |(name, time)| {
        view! {
            <div>
                <dt class="mono">{name}</dt>
                <dd class="mono">{time}</dd>
            </div>
        }
    };
    let times: Vec<_> = decoded.times.into_iter().map(time).collect();
    view! {
        <div class="decoded">
            <figure>
                <figcaption>"Header"</figcaption>
                <pre class="code mono">{decoded.header}</pre>
            </figure>
            <figure>
                <figcaption>"Claims"</figcaption>
                <pre class="code mono">{decoded.claims}</pre>
            </figure>
            <dl class="times">{StaticVec::from(times)}</dl>
        </div>
    }
}
