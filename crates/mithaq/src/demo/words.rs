//! The sentences of the story, in four languages.

use std::time::Duration;

use mithaq_model::Words4;

use crate::ui::Ui;

/// Tells the story in the person's language.
pub(crate) struct Teller {
    ui: Ui,
}

macro_rules! sentences {
    ($($name:ident: $en:literal, $fr:literal, $es:literal, $ar:literal;)+) => {
        $(pub(crate) const $name: Words4 = Words4 { en: $en, fr: $fr, es: $es, ar: $ar };)+
        #[cfg(test)]
        const ALL: &[Words4] = &[$($name),+];
    };
}

sentences! {
    MAKE: "Three agencies set up a node each: keys, database, people. No node knows another.", "Trois services installent chacun un nœud : clés, base, personnes. Aucun nœud n'en connaît un autre.", "Tres organismos instalan cada uno su nodo: claves, base de datos, personas. Ningún nodo conoce a otro.", "تنشئ ثلاث جهات عقدة لكل منها: مفاتيح وقاعدة بيانات وأشخاص. لا تعرف عقدة الأخرى.";
    START: "The nodes start, each a process of its own.", "Les nœuds démarrent, chacun dans son propre processus.", "Los nodos arrancan, cada uno como proceso propio.", "تنطلق العقد، وكل منها عملية مستقلة.";
    AGREE: "Each pair agrees on a rule set. Both sign its hash with their offline roots; only then is it in force.", "Chaque paire convient d'un ensemble de règles. Les deux signent son empreinte avec leurs racines hors ligne ; alors seulement il entre en vigueur.", "Cada par acuerda un conjunto de reglas. Ambos firman su huella con sus raíces fuera de línea; solo entonces entra en vigor.", "يتفق كل طرفين على مجموعة قواعد. يوقع كلاهما بصمتها بجذر غير متصل، وعندها فقط تدخل حيز التنفيذ.";
    LIST: "The list of the United Nations is loaded into the first node.", "La liste des Nations unies est chargée dans le premier nœud.", "Se carga la lista de las Naciones Unidas en el primer nodo.", "تُحمَّل قائمة الأمم المتحدة في العقدة الأولى.";
    CASE: "Morocco: an analyst opens work on a recruiter, in a case, for a purpose, with a reason.", "Maroc : une analyste travaille sur un recruteur, dans une affaire, pour une finalité, avec un motif.", "Marruecos: una analista trabaja sobre un captador, en un caso, con una finalidad y un motivo.", "المغرب: محللة تشتغل على مجنِّد، ضمن قضية، لغاية محددة، مع ذكر السبب.";
    TWO: "One person writes, another reviews, two more approve. Nobody releases their own work.", "Une personne écrit, une autre contrôle, deux autres approuvent. Nul ne transmet son propre travail.", "Una persona escribe, otra revisa, dos más aprueban. Nadie libera su propio trabajo.", "شخص يكتب وآخر يراجع واثنان يوافقان. لا أحد يرسل عمله بنفسه.";
    SENT: "The report is released to Spain: decided, sealed, logged, then sent.", "Le rapport est transmis à l'Espagne : décidé, scellé, consigné, puis envoyé.", "El informe se libera a España: decidido, sellado, registrado y luego enviado.", "يُرسل التقرير إلى إسبانيا: قُرِّر ثم خُتم ثم سُجِّل ثم أُرسل.";
    ACCEPTED: "Spain's node decided for itself and signed: stored, accepted.", "Le nœud espagnol a décidé lui-même et signé : conservé, accepté.", "El nodo de España decidió por sí mismo y firmó: almacenado, aceptado.", "قررت عقدة إسبانيا بنفسها ووقعت: مخزَّن ومقبول.";
    READ: "A case officer in Spain reads it, in a case of the same purpose. Morocco receives the signed receipt of reading.", "Un officier en Espagne le lit, dans une affaire de même finalité. Le Maroc reçoit l'accusé de lecture signé.", "Un agente en España lo lee, en un caso con la misma finalidad. Marruecos recibe el acuse de lectura firmado.", "يقرؤه ضابط في إسبانيا ضمن قضية لنفس الغاية. ويتوصل المغرب بإشعار القراءة الموقع.";
    SET: "Does Spain know him? Spain's node publishes a tag set under a key that never leaves it. It tells nothing to who holds it, and how many are in it only roughly.", "L'Espagne le connaît-elle ? Le nœud espagnol publie un jeu d'étiquettes sous une clé qui ne le quitte jamais. Il n'apprend rien à qui le détient, et le nombre seulement à peu près.", "¿Lo conoce España? El nodo español publica un conjunto de etiquetas bajo una clave que nunca sale de él. No revela nada a quien lo tiene, y cuántos son solo aproximadamente.", "هل تعرفه إسبانيا؟ تنشر عقدتها مجموعة وسوم بمفتاح لا يغادرها أبدا. لا تكشف شيئا لمن يحوزها، ولا عددها إلا تقريبا.";
    PRIVATE: "Morocco asks by a private check, written by one person and authorised by another: the name in Arabic script here, in Cyrillic script there. Spain learns that it was asked, not about whom, and charges its budget.", "Le Maroc interroge par vérification privée, écrite par une personne et autorisée par une autre : le nom en écriture arabe ici, cyrillique là. L'Espagne apprend qu'on l'interroge, non sur qui, et impute son budget.", "Marruecos pregunta por cotejo privado, escrito por una persona y autorizado por otra: el nombre en escritura árabe aquí, cirílica allí. España sabe que se le pregunta, no por quién, y lo carga a su cupo.", "يسأل المغرب بمطابقة خاصة يكتبها شخص ويأذن بها آخر: الاسم هنا بالعربية وهناك بالسيريلية. تعلم إسبانيا أنها سُئلت لا عمن، وتحسبه من الحصة.";
    HIT: "A possible hit. Both sides hold a handle and a band, no name:", "Concordance possible. Les deux côtés ont un repère et un degré, aucun nom :", "Posible coincidencia. Ambas partes tienen una referencia y un grado, ningún nombre:", "تطابق محتمل. لدى الطرفين مرجع ودرجة دون أي اسم:";
    SAME: "A person on each side compares years of birth and says: the same. Core data is due within 48 hours, by the ordinary release:", "De chaque côté, une personne compare les années de naissance et dit : la même. Les données de base sont dues sous 48 heures, par la transmission ordinaire :", "Una persona en cada parte compara los años de nacimiento y dice: la misma. Los datos básicos se deben en 48 horas, por la liberación ordinaria:", "يقارن شخص في كل طرف سنوات الميلاد ويقول: هو نفسه. تُستحق المعطيات الأساسية خلال 48 ساعة وفق الإرسال العادي:";
    NO_HIT: "About another person the answer is no hit. Spain cannot tell whom that was about; the check is closed, and its salts and tokens are destroyed.", "Sur une autre personne, la réponse est : aucune concordance. L'Espagne ne peut savoir de qui il s'agissait ; la vérification est close, sels et jetons détruits.", "Sobre otra persona la respuesta es: sin coincidencia. España no puede saber de quién se trataba; el cotejo se cierra y se destruyen sales y fichas.", "أما عن شخص آخر فالجواب: لا تطابق. لا يمكن لإسبانيا معرفة المعني؛ تُغلق المطابقة وتُتلف أملاحها ورموزها.";
    ATTACK: "A dishonest partner keeps the tag set and all that travelled above, and tries a dictionary offline that holds these persons among invented names: against filters of the same persons as others ship them, then against what it kept. The last names nobody:", "Un partenaire malhonnête garde le jeu d'étiquettes et tout ce qui a circulé ci-dessus, et essaie hors ligne un dictionnaire où ces personnes figurent parmi des noms inventés : contre des filtres des mêmes personnes tels que d'autres les livrent, puis contre ce qu'il a gardé. La dernière ligne ne nomme personne :", "Un socio deshonesto guarda el conjunto de etiquetas y todo lo que circuló arriba, y prueba sin conexión un diccionario que contiene a estas personas entre nombres inventados: contra filtros de las mismas personas como los entregan otros y contra lo que guardó. La última línea no nombra a nadie:", "يحتفظ شريك غير نزيه بمجموعة الوسوم وبكل ما انتقل أعلاه، ويجرب دون اتصال قاموسا يضم هؤلاء الأشخاص بين أسماء مختلقة: ضد مرشحات للأشخاص أنفسهم كما يسلمها آخرون ثم ضد ما احتفظ به. السطر الأخير لا يسمي أحدا:";
    PLANNED: "Both plan an action at the strait on one day, and neither says so. Each plan is written by one person and authorised by another; then the partner's node is asked about one cell of place and time, which it cannot read.", "Les deux prévoient une action au détroit le même jour, sans le dire. Chaque plan est écrit par une personne et autorisé par une autre ; le nœud partenaire est alors interrogé sur une case de lieu et de temps qu'il ne peut lire.", "Ambos prevén una acción en el estrecho el mismo día y ninguno lo dice. Cada plan lo escribe una persona y lo autoriza otra; entonces se pregunta al nodo socio por una celda de lugar y tiempo que no puede leer.", "يخطط الطرفان لعملية عند المضيق في اليوم نفسه ولا يقول أي منهما ذلك. كل خطة يكتبها شخص ويأذن بها آخر، ثم تُسأل عقدة الشريك عن خانة مكان وزمان لا تستطيع قراءتها.";
    CONFLICT: "They would have met there. Both planners learn that, and whom to call; not where, and not when:", "Elles s'y seraient rencontrées. Les deux responsables l'apprennent, et qui appeler ; ni où, ni quand :", "Se habrían encontrado allí. Los dos responsables lo saben, y a quién llamar; ni dónde ni cuándo:", "كانتا ستتعارضان هناك. يعلم المخططان ذلك وبمن يتصلان، لا أين ولا متى:";
    ASKS: "Morocco asks Spain who bought the tickets: what is sought, why there, on which basis, lawful at home. The clock of the directive starts when it is stored in Spain.", "Le Maroc demande à l'Espagne qui a acheté les billets : ce qui est recherché, pourquoi là, sur quelle base, licite chez lui. Le délai de la directive court dès sa conservation en Espagne.", "Marruecos pregunta a España quién compró los billetes: qué se busca, por qué allí, con qué base, lícito en casa. El plazo de la directiva corre desde que se almacena en España.", "يسأل المغرب إسبانيا عمن اشترى التذاكر: ما المطلوب ولماذا هناك وعلى أي أساس مع مشروعيته داخليا. تبدأ مهلة التوجيه عند تخزينه في إسبانيا.";
    ASKED_BACK: "Spain asks back, and the clock stands until Morocco's reply is there.", "L'Espagne demande une précision ; le délai est suspendu jusqu'à la réponse du Maroc.", "España pide una aclaración y el plazo se suspende hasta la respuesta de Marruecos.", "تطلب إسبانيا استيضاحا فتتوقف المهلة حتى وصول رد المغرب.";
    ANSWERED: "Spain answers with a report bound to the request, through two persons and its own rules, in time.", "L'Espagne répond par un rapport lié à la demande, par deux personnes et ses propres règles, dans le délai.", "España responde con un informe vinculado a la solicitud, por dos personas y según sus propias reglas, en plazo.", "تجيب إسبانيا بتقرير مرتبط بالطلب، عبر شخصين ووفق قواعدها، داخل المهلة.";
    REFUSE: "Morocco tries to send the same to Côte d'Ivoire, for an offence that is capital in this example and without a written assurance. The rules refuse:", "Le Maroc tente d'envoyer le même à la Côte d'Ivoire, pour une infraction passible de mort dans cet exemple et sans assurance écrite. Les règles refusent :", "Marruecos intenta enviar lo mismo a Côte d'Ivoire, por un delito capital en este ejemplo y sin garantía escrita. Las reglas lo niegan:", "يحاول المغرب إرسال الشيء نفسه إلى كوت ديفوار في جريمة عقوبتها الإعدام في هذا المثال ودون ضمان مكتوب. القواعد ترفض:";
    SHARED: "With the facts corrected (not capital), Côte d'Ivoire receives it.", "Le fait corrigé (non passible de mort), la Côte d'Ivoire le reçoit.", "Corregido el dato (no es capital), Côte d'Ivoire lo recibe.", "بعد تصحيح المعطى (ليست عقوبتها الإعدام) تتوصل به كوت ديفوار.";
    AWAY: "Côte d'Ivoire's node goes away.", "Le nœud de Côte d'Ivoire disparaît.", "El nodo de Côte d'Ivoire se desconecta.", "تنقطع عقدة كوت ديفوار.";
    CORRECT: "Meanwhile Morocco corrects the report: a new version replaces the old one wherever it went.", "Pendant ce temps, le Maroc corrige le rapport : une nouvelle version remplace l'ancienne partout.", "Mientras tanto, Marruecos corrige el informe: una nueva versión sustituye a la anterior en todas partes.", "في هذه الأثناء يصحح المغرب التقرير: نسخة جديدة تحل محل القديمة حيثما وصلت.";
    RECALL: "And it recalls the report to Côte d'Ivoire. The order waits.", "Et il rappelle le rapport envoyé à la Côte d'Ivoire. L'ordre attend.", "Y retira el informe enviado a Côte d'Ivoire. La orden espera.", "ويسحب التقرير المرسل إلى كوت ديفوار. ينتظر الأمر.";
    BACK: "Côte d'Ivoire returns. The order arrives before anything is read; the content is erased, and it signs for that.", "La Côte d'Ivoire revient. L'ordre arrive avant toute lecture ; le contenu est effacé, et elle le signe.", "Côte d'Ivoire vuelve. La orden llega antes de cualquier lectura; el contenido se borra, y lo firma.", "تعود كوت ديفوار. يصل الأمر قبل أي قراءة، فيُمحى المحتوى وتوقع على ذلك.";
    GONE: "Nobody there can read it any more:", "Plus personne ne peut le lire là-bas :", "Allí ya nadie puede leerlo:", "لم يعد بوسع أحد هناك قراءته:";
    EVIDENCE: "An oversight body exports Morocco's evidence and verifies it offline, with no node and no key of ours.", "Un organe de contrôle exporte les preuves du Maroc et les vérifie hors ligne, sans nœud ni clé de notre part.", "Un órgano de control exporta las pruebas de Marruecos y las verifica sin conexión, sin nodo ni clave nuestra.", "تصدر هيئة رقابة أدلة المغرب وتتحقق منها دون اتصال، دون عقدة ولا مفتاح منا.";
    WITNESSED: "The partners countersigned the log at this size; no other history can be shown to anyone:", "Les partenaires ont contresigné le journal à cette taille ; nul autre historique ne peut plus être montré :", "Los socios refrendaron el registro en este tamaño; ya no puede mostrarse otra historia:", "صادق الشركاء على السجل عند هذا الحجم، ولا يمكن عرض تاريخ آخر على أحد:";
    SIGNED_FOR: "Each message is signed by its sender and signed for by its receiver:", "Chaque message est signé par son expéditeur, et son destinataire en a signé la réception :", "Cada mensaje lo firmó su remitente y su receptor firmó haberlo recibido:", "كل رسالة وقّعها مرسلها ووقّع مستلمها على تسلّمها:";
    FORGED: "One byte of it is changed. It is refused:", "Un octet est modifié. Elles sont refusées :", "Se cambia un byte. Se rechazan:", "يُغيَّر بايت واحد منها. فتُرفض:";
    BROKEN: "The log in it does not hold.", "Le journal qu'elles contiennent ne tient pas.", "El registro que contienen no se sostiene.", "السجل الذي فيها لا يصمد.";
    BACKUP: "Morocco's database is copied while the node works.", "La base du Maroc est copiée pendant que le nœud travaille.", "La base de Marruecos se copia mientras el nodo trabaja.", "تُنسخ قاعدة بيانات المغرب والعقدة تعمل.";
    ON: "The exchange goes on: Spain accepts another report, and reads it.", "L'échange continue : l'Espagne accepte un autre rapport, et le lit.", "El intercambio sigue: España acepta otro informe y lo lee.", "يستمر التبادل: تقبل إسبانيا تقريرًا آخر وتقرؤه.";
    LOST: "Morocco's machine is lost. The old copy is put in its place: a new log that says so, new epochs in every lane.", "La machine du Maroc est perdue. L'ancienne copie prend sa place : un nouveau journal qui le dit, de nouvelles époques.", "Se pierde la máquina de Marruecos. La copia antigua ocupa su lugar: un registro nuevo que lo dice, épocas nuevas.", "تُفقد آلة المغرب. توضع النسخة القديمة مكانها: سجل جديد يصرّح بذلك وحقب جديدة في كل مسار.";
    RECOVERED: "What Spain signed for is recovered from Spain; nothing was sent twice.", "Ce que l'Espagne a signé est récupéré auprès d'elle ; rien n'a été envoyé deux fois.", "Lo que España firmó se recupera de ella; nada se envió dos veces.", "ما وقّعت عليه إسبانيا يُسترجع منها، ولم يُرسل شيء مرتين.";
    GOES_ON: "And the exchange goes on where it was.", "Et l'échange reprend où il en était.", "Y el intercambio sigue donde estaba.", "ويستمر التبادل من حيث كان.";
    DONE: "Done.", "Terminé.", "Hecho.", "انتهى.";
}

/// After a number of entries.
pub(crate) const COMPLETE: Words4 =
    Words4 {
        en: "entries, complete", fr: "entrées, complet", es: "asientos, completo", ar: "قيدا، كامل"
    };

/// Labels of what the attacker of the demonstration got.
pub(super) const SHORT: Words4 =
    Words4 {
        en: "short hashes", fr: "empreintes courtes", es: "huellas cortas", ar: "بصمات قصيرة"
    };
pub(super) const TAG_SET: Words4 = Words4 {
    en: "tag set and transcript",
    fr: "jeu d'étiquettes et transcription",
    es: "conjunto de etiquetas y transcripción",
    ar: "مجموعة الوسوم والسجل",
};
pub(super) const NAMED: Words4 =
    Words4 { en: "named", fr: "nommées", es: "nombradas", ar: "المكشوفون" };
pub(super) const TRIED: Words4 =
    Words4 {
        en: "names tried", fr: "noms essayés", es: "nombres probados", ar: "الأسماء المجربة"
    };

impl Teller {
    pub(crate) const fn new(ui: Ui) -> Self {
        Self { ui }
    }

    /// One sentence of the story.
    pub(crate) fn say(&self, sentence: &Words4) {
        self.ui.say(&format!("• {}", self.ui.words(sentence)));
    }

    /// A word in the person's language.
    pub(crate) fn word(&self, words: &Words4) -> &'static str {
        self.ui.words(words)
    }

    /// What a node answered, under the sentence.
    pub(crate) fn shows(&self, what: &str) {
        self.ui.say(&format!("    {what}"));
    }

    pub(crate) fn lang(&self) -> &'static str {
        match self.ui.lang {
            mithaq_model::Lang::AR => "ar",
            mithaq_model::Lang::FR => "fr",
            mithaq_model::Lang::ES => "es",
            _other => "en",
        }
    }

    pub(crate) fn done(&self, spent: Duration) {
        self.ui.say(&format!("• {} {:.1} s", self.ui.words(&DONE), spent.as_secs_f32()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_is_whole_in_four_languages() {
        for sentence in ALL {
            for text in [sentence.ar, sentence.en, sentence.es, sentence.fr] {
                assert!(text.ends_with(['.', ':']) && text.len() > 4, "{}", sentence.en);
            }
        }
    }
}
