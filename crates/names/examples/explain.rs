//! Prints why two names are alike: two lines on standard input.

use mithaq_names::{Details, Name, Scorer};

fn main() -> std::io::Result<()> {
    let (mut a, mut b) = (String::new(), String::new());
    std::io::stdin().read_line(&mut a)?;
    std::io::stdin().read_line(&mut b)?;
    let none = Details::default();
    print!("{}", Scorer::new().explain(&Name::parse(&a), &Name::parse(&b), &none, &none));
    Ok(())
}
