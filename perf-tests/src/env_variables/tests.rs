//! Tests of `environment`.

use super::*;

#[test]
fn an_image_of_another_revision_is_refused() {
    let mut settings = Settings::new("http://localhost:8000".parse().unwrap());
    let named = Revision::parse;
    assert_eq!((check_revision(&mut settings, None), &settings.revision), (Ok(()), &None));
    assert_eq!((check_revision(&mut settings, named("a1")), &settings.revision), (Ok(()), &named("a1")));
    assert_eq!(check_revision(&mut settings, named("a1")), Ok(()));
    let refusal = check_revision(&mut settings, named("b2")).unwrap_err().to_string();
    assert!(refusal.starts_with("the image is of revision b2, and this checkout is a1: "), "{refusal}");
    assert_eq!(check_revision(&mut settings, None), Ok(()));
    settings.outcome = Some(OutcomePlace::Log);
    assert!(check_revision(&mut settings, None).is_err());
}
