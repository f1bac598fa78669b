//! `mithaq agreement explain`: the agreement clause by clause, what it allows and what it refuses, in the language of
//! the reader; and, for a concrete request, the release decision step by step.

use mithaq_model::{Lang, SubjectClass, Timestamp, Words4};
use mithaq_policy::{Agreement, Onward};
use serde_json::{Value as Json, json};

use super::labels::{label, list};

/// One clause in words.
pub(super) struct Clause {
    /// Its field in the file.
    field: &'static str,
    allows: String,
    refuses: String,
}

macro_rules! say {
    ($lang:expr, $en:literal, $fr:literal, $es:literal, $ar:literal $(, $value:expr)* $(,)?) => {
        fill(Words4 { en: $en, fr: $fr, es: $es, ar: $ar }.get($lang), &[$(&$value.to_string()),*])
    };
}

/// Puts values where the sentence has `{}`.
fn fill(sentence: &str, values: &[&str]) -> String {
    let mut parts = sentence.split("{}");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (part, value) in parts.zip(values.iter().copied().chain(core::iter::repeat(""))) {
        out.push_str(value);
        out.push_str(part);
    }
    out
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// Every clause that decides something, in the order of the file.
#[expect(clippy::too_many_lines, reason = "one sentence per clause, in the order of the file")]
pub(super) fn clauses(agreement: &Agreement, lang: Lang) -> Vec<Clause> {
    let mut all = Vec::new();
    let mut clause = |field, allows, refuses| all.push(Clause { field, allows, refuses });
    let parties: Vec<String> = agreement
        .parties
        .iter()
        .map(|party| format!("{} ({}, {})", party.id, party.state, label(lang, party.max_level.code())))
        .collect();
    clause(
        "party",
        say!(
            lang,
            "Flows between: {}.",
            "Échanges entre : {}.",
            "Flujos entre: {}.",
            "التبادل بين: {}.",
            parties.join("; ")
        ),
        say!(
            lang,
            "Nobody else, and nobody by an empty list.",
            "Personne d'autre, ni par une liste vide.",
            "A nadie más, tampoco con una lista vacía.",
            "لا أحد غيرهم، ولا بقائمة فارغة."
        ),
    );
    clause(
        "in_force_on",
        say!(
            lang,
            "From {} to {}, while both parties keep it in force.",
            "Du {} au {}, tant que les deux parties le maintiennent.",
            "Del {} al {}, mientras ambas partes lo mantengan.",
            "من {} إلى {} ما دام ساريا لدى الطرفين.",
            day(agreement.in_force_on),
            day(agreement.expires_on)
        ),
        say!(
            lang,
            "Before, after, and while suspended nothing flows; duties stay {} days after the end.",
            "Avant, après et pendant une suspension, rien ne circule ; les obligations demeurent {} jours après la fin.",
            "Antes, después y durante una suspensión nada circula; los deberes duran {} días tras el fin.",
            "لا تبادل قبل ذلك ولا بعده ولا عند التعليق، وتبقى الالتزامات {} يوما بعد الانتهاء.",
            agreement.survival.0
        ),
    );
    clause(
        "scope.areas",
        say!(
            lang,
            "Areas: {}.",
            "Domaines : {}.",
            "Ámbitos: {}.",
            "المجالات: {}.",
            list(lang, agreement.areas.iter().map(|one| one.code()))
        ),
        say!(
            lang,
            "Every other area (step 3).",
            "Tout autre domaine (étape 3).",
            "Cualquier otro ámbito (paso 3).",
            "كل مجال آخر (الخطوة 3)."
        ),
    );
    clause(
        "scope.purposes",
        say!(
            lang,
            "Purposes: {}.",
            "Finalités : {}.",
            "Finalidades: {}.",
            "الغايات: {}.",
            list(lang, agreement.purposes.iter().map(|one| one.code()))
        ),
        say!(
            lang,
            "Every other use, also later (step 3).",
            "Tout autre usage, même ultérieur (étape 3).",
            "Cualquier otro uso, también posterior (paso 3).",
            "كل استعمال آخر ولو لاحقا (الخطوة 3)."
        ),
    );
    clause(
        "scope.subject_classes",
        say!(
            lang,
            "Persons: {}.",
            "Personnes : {}.",
            "Personas: {}.",
            "الأشخاص: {}.",
            list(lang, agreement.subject_classes.iter().map(|one| one.code()))
        ),
        say!(
            lang,
            "Not these: {}; informants never (step 4).",
            "Pas ceux-ci : {} ; les informateurs, jamais (étape 4).",
            "Estos no: {}; los informantes, nunca (paso 4).",
            "لا تشمل: {}، ولا المخبرين أبدا (الخطوة 4).",
            list(lang, left_out(agreement))
        ),
    );
    let (minors, others) = if agreement.minors_protective {
        (
            say!(
                lang,
                "Minors: only to save a life, find a missing person or identify a victim.",
                "Mineurs : seulement pour sauver une vie, retrouver une personne ou identifier une victime.",
                "Menores: solo para salvar una vida, localizar a un desaparecido o identificar a una víctima.",
                "القاصرون: فقط لإنقاذ حياة أو العثور على مفقود أو تحديد ضحية."
            ),
            say!(
                lang,
                "For every other purpose nothing about a minor.",
                "Pour toute autre finalité, rien sur un mineur.",
                "Para cualquier otra finalidad, nada sobre un menor.",
                "لأي غاية أخرى لا شيء عن قاصر."
            ),
        )
    } else {
        (
            say!(lang, "Minors: nothing.", "Mineurs : rien.", "Menores: nada.", "القاصرون: لا شيء."),
            say!(
                lang,
                "Everything about a person under eighteen (step 4).",
                "Tout ce qui concerne une personne de moins de dix-huit ans (étape 4).",
                "Todo lo relativo a menores de dieciocho años (paso 4).",
                "كل ما يخص من هم دون الثامنة عشرة (الخطوة 4)."
            ),
        )
    };
    clause("scope.minors", minors, others);
    clause(
        "scope.attributes",
        say!(
            lang,
            "Kinds of data: {}.",
            "Types de données : {}.",
            "Tipos de datos: {}.",
            "أنواع المعطيات: {}.",
            list(lang, agreement.attributes.iter().map(|one| one.code()))
        ),
        say!(
            lang,
            "Other kinds are left out before sealing, and refused on arrival (step 12).",
            "Les autres sont retirés avant le scellement et refusés à l'arrivée (étape 12).",
            "Los demás se quitan antes de sellar y se rechazan al llegar (paso 12).",
            "يُحذف ما عداها قبل الختم ويُرفض عند الوصول (الخطوة 12)."
        ),
    );
    clause(
        "scope.max_level",
        say!(
            lang,
            "Classification up to: {}.",
            "Classification jusqu'à : {}.",
            "Clasificación hasta: {}.",
            "درجة السرية حتى: {}.",
            label(lang, agreement.max_level.code())
        ),
        say!(
            lang,
            "Anything above, and above what the recipient's node may hold (step 10).",
            "Au-delà, et au-delà de l'habilitation du destinataire (étape 10).",
            "Lo superior, y lo que exceda la habilitación del destinatario (paso 10).",
            "ما فوق ذلك وما يتجاوز اعتماد المرسل إليه (الخطوة 10)."
        ),
    );
    let (codes, tlp, pap) = &agreement.handling;
    let codes: Vec<String> = codes.iter().map(|code| code.to_string()).collect();
    let codes = codes.join(" ");
    clause(
        "handling",
        say!(
            lang,
            "Binds what has no stricter handling: {}, {}, {}.",
            "Lie ce qui n'a pas de traitement plus strict : {}, {}, {}.",
            "Rige lo que no tenga un tratamiento más estricto: {}, {}, {}.",
            "يلزم ما ليست له معالجة أشد: {}، {}، {}.",
            codes,
            tlp,
            pap
        ),
        say!(
            lang,
            "Unreadable after {} days without sight of the originator.",
            "Illisible après {} jours sans contact avec l'émetteur.",
            "Ilegible tras {} días sin contacto con el emisor.",
            "لا يُقرأ بعد {} يوما دون اتصال بالجهة المصدرة.",
            agreement.lease.0
        ),
    );
    let caps: Vec<String> = agreement
        .retention
        .iter()
        .map(|(class, days)| format!("{}: {}", label(lang, class.code()), days.0))
        .collect();
    clause(
        "retention_days",
        say!(
            lang,
            "Kept at most {} days; {}.",
            "Conservé {} jours au plus ; {}.",
            "Se conserva {} días como máximo; {}.",
            "يُحفظ {} يوما على الأكثر؛ {}.",
            agreement.retention_default.0,
            caps.join("; ")
        ),
        say!(
            lang,
            "A report without a last day, or with a later one (step 12); afterwards it is erased.",
            "Un rapport sans date de fin ou plus tardive (étape 12) ; ensuite il est effacé.",
            "Un informe sin fecha final o posterior (paso 12); después se borra.",
            "تقرير بلا تاريخ انتهاء أو بتاريخ لاحق (الخطوة 12)، ثم يُمحى."
        ),
    );
    let onward = match &agreement.onward {
        Onward::Forbidden => say!(
            lang,
            "Nothing is passed on.",
            "Rien n'est transmis à des tiers.",
            "Nada se transmite a terceros.",
            "لا يُنقل شيء إلى غير الطرفين."
        ),
        Onward::Consent => say!(
            lang,
            "Passed on only with the originator's consent each time.",
            "Transmis à des tiers seulement avec l'accord de l'émetteur, chaque fois.",
            "A terceros solo con el consentimiento del emisor en cada caso.",
            "لا يُنقل إلا بموافقة الجهة المصدرة في كل مرة."
        ),
        Onward::List(parties) => {
            let names: Vec<&str> = parties.iter().map(|party| party.as_str()).collect();
            say!(
                lang,
                "Passed on to {} without asking, to others with consent.",
                "Transmis à {} sans demande, aux autres avec accord.",
                "A {} sin preguntar, a los demás con consentimiento.",
                "يُنقل إلى {} دون استئذان، وإلى غيرهم بالموافقة.",
                names.join(", ")
            )
        }
    };
    clause(
        "onward",
        onward,
        say!(
            lang,
            "A part from a third party without its consent (step 9).",
            "Une partie venant d'un tiers sans son accord (étape 9).",
            "Una parte de un tercero sin su consentimiento (paso 9).",
            "جزء من طرف ثالث دون موافقته (الخطوة 9)."
        ),
    );
    let court = if agreement.evidence_needs_consent {
        say!(
            lang,
            "Use in court with consent.",
            "Usage en justice avec accord.",
            "Uso en juicio con consentimiento.",
            "الاستعمال أمام القضاء بالموافقة."
        )
    } else {
        say!(
            lang,
            "Use in court allowed.",
            "Usage en justice permis.",
            "Uso en juicio permitido.",
            "الاستعمال أمام القضاء مسموح."
        )
    };
    clause(
        "evidence",
        court,
        say!(
            lang,
            "What may exonerate cannot be withheld.",
            "Ce qui peut disculper ne peut être retenu.",
            "Lo que pueda exculpar no puede retenerse.",
            "لا يجوز حجب ما قد يبرئ."
        ),
    );
    clause(
        "safeguards",
        say!(
            lang,
            "A risk assessment of the partner of at most {} days.",
            "Une évaluation du risque du partenaire de {} jours au plus.",
            "Una evaluación de riesgos del socio de {} días como máximo.",
            "تقييم لمخاطر الشريك لا يتجاوز عمره {} يوما.",
            agreement.assessment_max.0
        ),
        say!(
            lang,
            "Compiled in, no clause lifts it: a real risk of torture, disappearance or death; opinion, assembly, belief; special categories; a bare label without an offence and its statute.",
            "Inscrit dans le programme, aucune clause ne le lève : risque réel de torture, de disparition ou de mort ; opinion, réunion, croyance ; données sensibles ; simple étiquette sans infraction ni texte.",
            "En el propio programa, ninguna cláusula lo levanta: riesgo real de tortura, desaparición o muerte; opinión, reunión, creencia; datos sensibles; una mera etiqueta sin delito ni norma.",
            "مدمج في البرنامج ولا يرفعه أي بند: خطر حقيقي للتعذيب أو الاختفاء أو الموت؛ الرأي والتجمع والمعتقد؛ المعطيات الحساسة؛ مجرد وصف بلا جريمة ولا نص."
        ),
    );
    clause(
        "budgets",
        say!(
            lang,
            "A day: {} reports, {} bytes.",
            "Par jour : {} rapports, {} octets.",
            "Al día: {} informes, {} octetos.",
            "في اليوم: {} تقريرا و{} بايت.",
            agreement.budgets.reports_per_day,
            agreement.budgets.bytes_per_day
        ),
        say!(
            lang,
            "More than that, until tomorrow (step 13).",
            "Davantage, jusqu'à demain (étape 13).",
            "Más que eso, hasta mañana (paso 13).",
            "ما زاد على ذلك حتى الغد (الخطوة 13)."
        ),
    );
    let sees = if agreement.oversight_sees_content {
        say!(
            lang,
            "Oversight sees content from the other side too.",
            "Le contrôle voit aussi le contenu venant de l'autre partie.",
            "La supervisión ve también el contenido de la otra parte.",
            "ترى الرقابة محتوى الطرف الآخر أيضا."
        )
    } else {
        say!(
            lang,
            "Oversight sees what went where, not the other side's content.",
            "Le contrôle voit ce qui a circulé, non le contenu de l'autre partie.",
            "La supervisión ve qué circuló, no el contenido de la otra parte.",
            "ترى الرقابة ما جرى تبادله دون محتوى الطرف الآخر."
        )
    };
    clause(
        "oversight",
        sees,
        say!(
            lang,
            "Nobody reviews it less often than every {} days.",
            "Un réexamen au moins tous les {} jours.",
            "Revisión al menos cada {} días.",
            "مراجعة مرة كل {} يوما على الأقل.",
            agreement.review_every.0
        ),
    );
    all
}

/// The classes the agreement does not name, beside informants, who are never covered.
fn left_out(agreement: &Agreement) -> impl Iterator<Item = &'static str> {
    let covered = agreement.subject_classes.clone();
    SubjectClass::ALL
        .iter()
        .filter(move |class| !covered.contains(class) && **class != SubjectClass::Informant)
        .map(|class| class.code())
}

/// Title and clauses as lines.
pub(super) fn lines(agreement: &Agreement, lang: Lang) -> Vec<String> {
    let title = agreement.titles.get(&lang).cloned().unwrap_or_default();
    let mut lines = vec![title, format!("  {}", agreement.id())];
    for clause in clauses(agreement, lang) {
        lines.push(format!("[{}]", clause.field));
        lines.push(format!("  + {}", clause.allows));
        lines.push(format!("  - {}", clause.refuses));
    }
    lines
}

/// Title and clauses for a program.
pub(super) fn document(agreement: &Agreement, lang: Lang) -> Json {
    let clauses: Vec<Json> = clauses(agreement, lang)
        .into_iter()
        .map(|clause| json!({ "clause": clause.field, "allows": clause.allows, "refuses": clause.refuses }))
        .collect();
    json!({ "id": agreement.id().to_string(), "title": agreement.titles.get(&lang), "clauses": clauses })
}
