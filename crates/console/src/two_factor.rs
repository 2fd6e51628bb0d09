//! The second factor of a login, on the account's page: set up, confirmed, switched off.

use axum::extract::State;
use http::StatusCode;
use platform::{App, Error, identity::two_factor};
use qrcode::{QrCode, render::svg};

use crate::{
    account::{Section, Shown, show, show_mistake, told},
    form::Form,
    page::Result,
    session::Session,
};

/// Where a person is with their second factor.
pub enum Step {
    /// There is none.
    Off,
    /// The secret is to be read by an app; this is the only page that ever shows it.
    Scan {
        /// For people who type.
        secret: String,
        /// For an app on the same device.
        url: String,
        /// For an app on another: a drawing, without anything in it that came from people.
        qr: String,
    },
    /// The app has the secret, and its first code is awaited.
    Code,
    /// It is on.
    On,
    /// It was just switched on; this is the only page that ever shows the recovery codes.
    Codes(Vec<String>),
}

impl Step {
    /// Whether the person is in the middle of it: then the page shows nothing else.
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Scan { .. } | Self::Code | Self::Codes(_))
    }
}

/// `POST /console/account/two-factor`
pub async fn begin(State(app): State<App>, session: Session, Form(fields): Form) -> Result {
    let password = fields.get("password");
    match two_factor::begin(&app, &session.caller, password, &session.by.origin).await {
        Ok(setup) => {
            let step = Step::Scan { qr: drawing(&setup.url)?, secret: setup.secret, url: setup.url };
            let shown = Shown { step: Some(step), ..Shown::default() };
            show(&app, &session, StatusCode::OK, shown).await
        }
        Err(error) => show_mistake(&app, &session, Section::TwoFactor, error, Shown::default()).await,
    }
}

/// `POST /console/account/two-factor/confirm`
pub async fn confirm(State(app): State<App>, session: Session, Form(fields): Form) -> Result {
    let (step, section) = (Some(Step::Code), Section::TwoFactor);
    match two_factor::confirm(&app, &session.caller, fields.get("code"), &session.by.origin).await {
        Ok(codes) => {
            let shown = Shown { step: Some(Step::Codes(codes)), ..Shown::default() };
            show(&app, &session, StatusCode::OK, shown).await
        }
        Err(error) => show_mistake(&app, &session, section, error, Shown { step, ..Shown::default() }).await,
    }
}

/// `POST /console/account/two-factor/end`
pub async fn end(State(app): State<App>, session: Session, Form(fields): Form) -> Result {
    match two_factor::end(&app, &session.caller, fields.get("password"), &session.by.origin).await {
        Ok(()) => told("one-factor"),
        Err(error) => show_mistake(&app, &session, Section::TwoFactor, error, Shown::default()).await,
    }
}

/// A QR code as an `<svg>` element.
fn drawing(url: &str) -> Result<String> {
    let file = QrCode::new(url).map_err(Error::internal)?.render::<svg::Color>().build();
    // Inside a page there is no XML declaration.
    Ok(file.find("<svg").map_or_else(String::new, |start| file[start..].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_an_element_of_a_page() {
        let svg = drawing("otpauth://totp/Frontdesk:ada?secret=GEZDGNBVGY3TQOJQ&issuer=Frontdesk").unwrap();
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>"), "{svg}");
        assert!(!svg.contains("style") && !svg.contains("secret"));
    }
}
