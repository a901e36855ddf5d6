// Every text of the page, in one place: another language is another object of this shape. Texts with something in them are
// functions, so that a translation may put it where its grammar wants it.

const amount = new Intl.NumberFormat();
export const number = (value: number): string => amount.format(value);
const rough = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
/** As short as it fits a badge. */
export const brief = (value: number): string => rough.format(value);
const money = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const groups: Record<string, string> = { control: "the control group", stack: "the control group of the stack" };
const many = (value: number, one: string, more: string): string => `${number(value)} ${value === 1 ? one : more}`;

const quoted = (names: string[], and: string): string => names.map((name) => `“${name}”`).join(` ${and} `);

export type Outcome = "waiting" | "sent" | "withheld" | "retracted" | "converted" | "failed";

/** What people read for what the API calls by a word of its own. */
const outcomes: Record<Outcome, string> = {
  waiting: "Waiting",
  sent: "Sent",
  withheld: "Skipped",
  retracted: "Taken back",
  converted: "Converted",
  failed: "Failed",
};

const statuses: Record<string, string> = {
  waits: "Waiting",
  due: "Due now",
  sent: "Sent",
  withheld: "Skipped",
  full: "Skipped",
  retracted: "Taken back",
  converted: "Converted",
  ended: "Did it in time",
  incomplete: "Not all seen",
  remembered: "Remembered",
  nothing: "Nothing seen",
};

export const words = {
  outcomes,
  status: (status: string): string => statuses[status] ?? status,

  app: {
    name: "Holdfast",
    toContent: "To the content",
    goTo: "Go to",
    signOut: "Sign out",
    viewer: "viewer",
    light: "Light colours",
    dark: "Dark colours",
    pages: "Pages",
    noPage: "There is no such page",
    allCampaigns: "All campaigns",
    queued: "set aside",
    signedOut: "You are signed out.",
    signedOutLocally:
      "`holdfast console` was started anew. Press Enter in its terminal, and open the address that it prints in this browser. What you wrote is kept.",
    notSignedIn: "Not signed in",
    tryAgain: "Try again",
    stage: (stage: string): string => `Stage ${stage}`,
  },

  nav: { campaigns: "Campaigns", policy: "Policy", users: "Users", queues: "Queues", activity: "Activity" },

  broken: {
    title: "This page could not be shown",
    told: "Something on it is not as the page expects. Nothing that you wrote is lost: it is below, and still kept in this browser.",
    text: "The text of the draft",
    again: "Show the page again",
    discard: "Discard the draft",
    discarded: "The draft is discarded.",
    log: "What went wrong",
  },

  signIn: {
    refused: (why: string): string => `Signing in was refused: ${why}`,
    noSettings: "The console's settings (config.json) cannot be read. Is the stack deployed in full?",
    noToken:
      "This browser is not signed in here. Press Enter in the terminal in which `holdfast console` runs, and open the address that it prints.",
    usedToken:
      "The link of this address was used already. Press Enter in the terminal in which `holdfast console` runs, and open the address that it prints.",
    failed: (why: string): string => `Signing in failed: ${why}. Reload this page to try again.`,
  },

  errors: {
    unreachable:
      "The console's API cannot be reached. Check the connection (locally: that `holdfast console` still runs), then try again.",
    signedOut: "You are not signed in any more. Sign in again; what you have not published is kept in this browser.",
    forbidden:
      "Only the group “editor” may do that, and you are not in it. An administrator of the user pool can add you.",
    busy: "The API has too much to do just now. Try again in a moment.",
    status: (status: number): string =>
      `The API answered with status ${status}. Try again; if it stays so, the console function's log says more.`,
  },

  yaml: {
    noMap: "a campaign is made of lines such as `id: abandoned-cart`",
    noAnchor: (name: string): string =>
      `*${name} refers to an anchor that is not there. Put the text in quotes if the * is part of it: "*${name}"`,
    aliases: (most: number): string => `aliases (*name) make more than ${most} copies: write less by alias`,
    tooDeep: (most: number): string => `nested more than ${most} levels deep`,
    tooLong: (most: number): string => `longer than ${number(most)} characters: a campaign cannot be`,
    unreadable: "this cannot be read as YAML",
    codes: {
      MULTIPLE_DOCS: "a second document begins here (---): one file holds one campaign",
      DUPLICATE_KEY: "this key stands here twice",
      BAD_INDENT: "the indentation does not fit the lines above",
      TAB_AS_INDENT: "tabs cannot indent: use spaces",
      MISSING_CHAR: "a character is missing, such as a closing quote or bracket",
      BAD_ALIAS: "an alias needs a name behind its *; put the text in quotes if the * is part of it",
      UNEXPECTED_TOKEN: "this is not expected here; a text that begins with it needs quotes",
      BLOCK_AS_IMPLICIT_KEY: "one line holds two `key:`; a text with `: ` in it needs quotes",
      MULTILINE_IMPLICIT_KEY: "a key must stand on one line; is a `:` missing?",
      BAD_DQ_ESCAPE: "there is no such \\ escape in double quotes; single quotes know none",
    } as Record<string, string>,
    wrongAt: (line: number, message: string): string =>
      `Line ${line} of the YAML cannot be read: ${message}. The form waits until it can.`,
    line: (line: number, message: string): string => `Line ${line}: ${message}`,
    show: "Show it",
  },

  campaigns: {
    title: "Campaigns",
    about: (days: number): string => `Who is waited for, and what they were sent in the last ${days} days.`,
    create: "New campaign",
    createFirst: "Write the first one",
    none: "No campaign yet",
    noneAbout:
      "A campaign says who started something and did not finish it – added this coat to the cart, was never charged for this coat – and what to send them.",
    search: "Search campaigns",
    found: (found: number, all: number): string => `${number(found)} of ${many(all, "campaign", "campaigns")}`,
    noneFound: "No campaign has this in its name, its id or its events.",
    paused: "Paused",
    draft: "Draft",
    drafts: "Drafts in this browser",
    draftsAbout: "Not published yet, and to be seen by you alone.",
    unnamed: "Without a name",
    top: "Most frequent values",
    did: (did: string[], didNot: string[], within: string): string =>
      didNot.length
        ? `did ${did.join(" and ")}, did not ${didNot.join(" or ")} within ${within}`
        : `did ${did.join(" and ")}`,
    atLeast: (count: number): string => `≥ ${number(count)}`,
  },

  charts: {
    days: (label: string, said: string, days: number): string => `${label}: ${said} in ${many(days, "day", "days")}`,
    day: (day: string, said: string): string => `${day}: ${said || "nothing"}`,
    of: (count: number, outcome: Outcome): string => `${number(count)} ${outcomes[outcome].toLowerCase()}`,
  },

  editor: {
    campaigns: "Campaigns",
    newTitle: "New campaign",
    name: "Name of the campaign",
    namePlaceholder: "A name",
    id: "Id of the campaign",
    idFixed: "The id of a published campaign stays as it is.",
    idOther: (live: string): string =>
      `the id of a published campaign stays as it is: ${live}. For another campaign, start a new one with this text`,
    idTaken: (owner: string): string => `this id belongs to “${owner}”: choose another one`,
    openTaken: "Open that campaign",
    idBad: "small letters, digits and hyphens, at most 63, beginning with a letter or digit",
    live: (revision: number): string => `Live · revision ${revision}`,
    paused: (revision: number): string => `Paused · revision ${revision}`,
    unpublished: "Not published",
    changed: "Changes not published",
    discard: "Discard",
    discardTitle: "Discard what is not published?",
    discardAbout: "The page shows what is live again. For a while, “Undo” brings the draft back.",
    discardNew: "The draft is removed from this browser. For a while, “Undo” brings it back.",
    discarded: "What was not published is discarded.",
    undo: "Undo",
    redo: "Redo",
    test: "Test send",
    publish: "Publish…",
    duplicate: "Duplicate",
    viewOnly: "View only",
    viewOnlyWhy: "Changing campaigns takes the group “editor”.",
    parts: "Parts of the campaign",
    tabs: { edit: "Campaign", numbers: "Report", history: "History" },
    newer: (revision: number, seen: number, by: string): string =>
      `Revision ${revision} was published${by ? ` by ${by}` : ""} since you began from revision ${seen}. Publishing shows the differences.`,
    elsewhere: "This draft was changed in another tab of this browser.",
    takeElsewhere: "Take it over here",
    as: "Edit as",
    form: "Form",
    yaml: "YAML",
    yamlLabel: "The campaign as YAML",
    download: "Download",
    first: (all: number, message: string): string =>
      `${all === 1 ? "One thing is" : `${all} things are`} still to fix: ${message}`,
    showIt: "Show it",
    isLive: (revision: number, name: string): string => `Revision ${revision} of ${name} is live.`,
    taken: (revision: number): string => `This is revision ${revision} now.`,
    pause: "Pause",
    resume: "Resume",
    pauseTitle: "Pause this campaign?",
    pauseAbout:
      "Whoever falls due while it is paused gets no message, now or later: it is skipped with that reason. Events are still followed.",
    pausedNow: "Paused: what falls due is skipped, with that reason.",
    resumedNow: "Resumed: what falls due is sent again.",
    delete: "Delete",
    deleteTitle: (name: string): string => `Delete “${name}”?`,
    deleteAbout:
      "Its events count no more, and whoever is waited for now gets no message: that is skipped when it falls due. There is no Undo. Its revisions and its numbers stay; publishing the same id again begins anew.",
    deleteWaiting: (count: string): string => `Waiting now: ${count}.`,
    deleteDraft: "What you have not published of it stays in this browser, as a draft.",
    deleted: (name: string): string => `“${name}” is deleted.`,
    goOnNew: "Go on with what you have not published, as a new campaign",
    cancel: "Cancel",
    viewerNew: "Only editors write campaigns",
    viewerNewAbout:
      "You may look at every campaign. Whoever looks after the user pool can add you to the group “editor”.",
    note: "Why? (a note for the history)",
    phonePreview: "Preview",
    jumps: "Parts of the form",
    jump: (part: string): string => `To ${part}`,
  },

  form: {
    who: "Audience",
    whoAbout: "Users who started something, and did not finish it.",
    did: "did",
    didNot: "did not",
    within: "within",
    withinLabel: "Within",
    withinAbout: "of doing it; doing it again starts the time anew",
    didLabel: "Event that the user did",
    didNotLabel: "Event that the user did not do",
    event: "an event",
    andEvent: "and …",
    orEvent: "or …",
    anything: "anything",
    nothing: "nothing in particular",
    noEvents: "No event was seen yet. Type its name, or send one first: it appears here some seconds later.",
    remove: (name: string): string => `Remove ${name}`,
    removed: (name: string): string => `“${name}” is removed, with its filter and property.`,
    properties: (count: number): string => many(count, "property", "properties"),
    tuning: "Filters and timing",
    where: (event: string): string => `Only “${event}” where`,
    wherePlaceholder: "price >= `20`   (JMESPath; empty: always)",
    settle: "Wait at least",
    settleAbout: "After the event arrived: what comes in late may still count.",
    settlePlaceholder: "60 seconds",
    maxAge: "Only react to events younger than",
    maxAgeAbout: "What arrives later sends nothing.",
    maxAgePlaceholder: "2 hours",
    match: "Match on",
    matchAbout: "What must be the same in all of these events, such as the product.",
    constant: (name: string): string => `Matched property ${name}`,
    called: "called",
    constantName: "Name of the matched property",
    removeConstant: (name: string): string => `Remove the matched property ${name}`,
    inEvent: (event: string): string => `in ${event}`,
    propertyOf: (event: string): string => `Property of ${event}`,
    propertyPlaceholder: "product_name or Items[].prod_name",
    gap: (event: string, name: string): string => `choose the property of “${event}” that is the ${name || "same"}`,
    noConstant: "Nothing: one message for each user, whatever the events are about.",
    addConstant: "Match on a property",
    moreConstant: "And another property",
    check: "Check it with sample events",
    samples: "Sample events, one JSON object a line",
    samplesWrong: 'One JSON object a line, each with its event: {"event": "added to cart", …}',
    samplesFirst: "Say who, and what to match on, to check it.",
    message: "Message",
    messageAbout: "Its key-value pairs. Type @ for a property.",
    key: "Key",
    keyPlaceholder: "key",
    valueOf: (key: string): string => `Value of ${key}`,
    newPair: "the new pair",
    valuePlaceholder: "Text; type @ to insert a property",
    addPair: "Key-Value Pair",
    typed: (type: string): string => `goes out as ${type}, and not as text`,
    all: "all of them",
    any: "any one of them",
    allOrAny: "How many of the events",
    every: "every value",
    everyAbout: "ends all that waits for the user",
    grace: "An exit counts up to",
    graceAbout: "Before the event, too: clocks differ.",
    gracePlaceholder: "2 minutes",
    twice: (key: string): string => `There is a pair with the key ${key} already.`,
    up: (key: string): string => `Move ${key} up`,
    down: (key: string): string => `Move ${key} down`,
    pairRemoved: (key: string): string => `The pair ${key} is removed.`,
    insertProperty: (label: string): string => `Insert a property into ${label}`,
    insertPropertyTitle: "Insert a property",
    insertRecommendation: (label: string): string => `Insert a recommendation into ${label}`,
    insertRecommendationTitle: "Insert a recommendation",
    noRecommendations: "There are no recommendations yet: set them up with `holdfast recommendation publish`.",
    without: "Without",
    say: "say",
    default: "a default",
    useDefault: "Use it",
    noDefault: "No default: skip the message",
    defaultFor: (name: string): string => `Default for ${name}`,
    lookups: "Looked up in catalogs",
    lookup: (catalog: string): string => `Which row of ${catalog}?`,
    lookupAbout: (catalog: string): string => `The row of ${catalog} in which`,
    lookupColumn: (catalog: string): string => `Column of ${catalog}`,
    lookupEquals: "equals, of the event,",
    lookupProperty: "Property of the event",
    lookupUse: "Look it up",
    lookupRemove: (catalog: string): string => `Remove the look-up in ${catalog}`,
    catalogGroup: "Catalogs",
    catalogNote: (catalog: string): string => `of ${catalog}; asks which row`,
    sending: "How it is sent",
    onePer: "One message for",
    onePerValue: "One for each value",
    onePerUser: "One summary for a user",
    limit: "of at most",
    limitLabel: "Most values in a summary",
    detailType: "Detail type, by which rules catch it",
    detailTypePlaceholder: "Personalized Message",
    elsewhere: (place: string, message: string): string => (place ? `${place}: ${message}` : message),
  },

  rules: {
    title: "Rules",
    about: "Who gets it, when, and how often. What is left out forbids nothing.",
    when: "For whom, and when",
    often: "How often",
    works: "Does it work?",
    fields: {
      audience: [
        "Only users for whom",
        "Profile.country == 'DE' && !Profile.unsubscribed",
        "JMESPath over Profile and Event. Others get nothing.",
      ],
      start: ["From", "2026-12-01T00:00:00+01:00", "Before this time nothing is sent."],
      end: ["Until", "2026-12-24T18:00:00+01:00", "From this time on nothing is sent."],
      again_after: ["About the same value again after", "at once", "Sooner there is no second message about it."],
      priority: [
        "Priority",
        "0",
        "Of campaigns that are due at once, the highest goes first: caps may leave room for one.",
      ],
      control: [
        "Control group",
        "5%",
        "The share of users who get no message, to compare with. The same users every time.",
      ],
    } as Record<
      "audience" | "start" | "end" | "again_after" | "priority" | "control",
      [label: string, placeholder: string, about: string]
    >,
    hours: "Hours",
    addHours: "Only in certain hours",
    removeHours: "Remove the hours",
    from: "from",
    to: "to",
    fromLabel: "Hours begin at",
    toLabel: "Hours end at",
    days: "Days of the week",
    dayNames: { mon: "Mon", tue: "Tue", wed: "Wed", thu: "Thu", fri: "Fri", sat: "Sat", sun: "Sun" },
    zone: "Time zone",
    zoneOfUser: "the user's own",
    otherwise: "Outside the hours",
    wait: "Wait until they begin",
    skip: "Skip the message",
    cap: (number: number): string => `Cap ${number}`,
    capMost: "At most",
    capIn: "to a user in",
    capMessages: "Most messages to a user",
    capTime: "Time of the cap",
    addCap: (more: boolean): string => (more ? "And another cap" : "Cap the messages to a user"),
    removeCap: (number: number): string => `Remove cap ${number}`,
    insteadOf: "Sent instead of",
    insteadOfLabel: "Campaign that gives way",
    insteadOfAbout: "These campaigns' messages about the same value give way to this one's.",
    campaign: "a campaign",
    noOthers: "There is no other campaign yet.",
    convert: "Conversions",
    addConvert: "Count conversions",
    removeConvert: "Count no conversions",
    convertAbout: "The first one counts, for messages and for the control group.",
    convertWithin: "Up to how long after the message",
    convertEvents: {
      on: [
        "Event that converts",
        (didNot: string[]): string => (didNot.length ? `else: ${didNot.join(", ")}` : "an event"),
      ],
      undone_by: ["Event that undoes it", (_: string[]): string => "such as a refund"],
    } as Record<"on" | "undone_by", [label: string, placeholder: (didNot: string[]) => string]>,
    convertFields: {
      amount: ["Amount", "Items[?prod_name == $value].price"],
      currency: ["Currency", "'EUR'"],
    } as Record<"amount" | "currency", [label: string, placeholder: string]>,
    variant: (name: string): string => `Variant ${name}`,
    variantName: "called",
    nameOfVariant: (number: number): string => `Name of variant ${number}`,
    weight: "with weight",
    weightOf: (name: string): string => `Weight of variant ${name}`,
    addVariant: (more: boolean): string => (more ? "And another variant" : "Compare variants of the message"),
    removeVariant: (name: string): string => `Remove variant ${name}`,
    variantsAbout: "Each user gets one of them, the same every time: what it does not say is as above.",
    valueOf: (key: string, name: string): string => `Value of ${key} in variant ${name}`,
    asAll: (key: string, name: string): string => `${key} as above in variant ${name}`,
    another: (name: string): string => `Another key of variant ${name}`,
    anotherKey: "another key …",
  },

  preview: {
    title: "Preview",
    as: "Show as",
    message: "Message",
    json: "JSON",
    for: "Preview for",
    madeUp: "Made-up user",
    known: "A user you have",
    user: "User id",
    userPlaceholder: "User id, then Enter",
    knownAbout: "With the profile and the latest event that are held of this user.",
    nothing: "Nothing to show yet",
    nothingAbout: "Say who did what, and write a value: the message appears here as you type.",
    notYet: "The message appears here once the campaign says who, and what to match on.",
    updating: "Updating…",
    madeOf: "What the made-up user has",
    madeOfItems:
      "Nobody made up has seen other items: what is recommended here is what goes with this one, else what is popular, which may be the very same.",
    missing: "missing",
    default: (value: string): string => `default: ${value}`,
    skipped: (reason: string): string => `Skipped: ${reason}.`,
    skippedAbout: "This user would get no message.",
    adviceMissing: "Give the property a default, or leave it so: never a blank.",
    adviceBlank: "Write something that is always there.",
    noText: (reason: string): string => `No text: ${reason}`,
    variant: (name: string): string => `This user gets variant ${name}.`,
    goes: (type: string): string => `Goes on the bus as “${type}”.`,
    event: "The event on the bus",
    eventLabel: "the event",
    rule: "A rule that catches it",
    patternLabel: "the event pattern",
    ruleAbout: "The pattern of an EventBridge rule on Holdfast's bus.",
    copyPattern: "Copy the event pattern on one line",
    outcome: (sent: boolean): string => (sent ? "The preview shows a message." : "The preview shows no message."),
    origins: {
      profile: "user property",
      event: "event property",
      constant: "matched property",
      catalog: "catalog",
      recommendation: "recommendation",
      campaign: "campaign",
      time: "the time",
      default: "default, as there is no value",
      missing: "missing",
    },
  },

  publish: {
    titleNew: "Publish this campaign",
    title: (name: string): string => `Publish changes of ${name}`,
    notYet: "Not yet",
    publishing: "Publishing…",
    breaking: "Who reads the messages may rely on what is not there any more. Published all the same:",
    button: (revision: number): string => `Publish revision ${revision}`,
    invalid: "It cannot be published yet:",
    same: (revision: number): string =>
      `Nothing changes against revision ${revision}, which is live, but how the file is written.`,
    newAbout:
      "It is new: from the next minute on, events that match are followed, and messages go on the bus. Nobody is waited for yet.",
    rule: (id: string, name: string): string => `${name} (${id})`,
    sampleTitle: "What it sends, to the user of the preview",
    sampleNone: "The preview shows no message yet.",
    audience: (did: string[], any: boolean, didNot: string[], within: string): string =>
      didNot.length
        ? `Whoever did ${quoted(did, any ? "or" : "and")}, and not ${quoted(didNot, "or")} within ${within}`
        : `Whoever did ${quoted(did, any ? "or" : "and")}`,
    constant: (names: string[]): string =>
      names.length ? `for the same ${names.join(" and ")}` : "whatever it is about",
    onePer: (summary: boolean): string => (summary ? "one summary for each user" : "one message for each value"),
    raceTitle: "Somebody else was first",
    race: (revision: number, by: string): string =>
      `Revision ${revision} was published${by ? ` by ${by}` : ""} while you were editing. Nothing of yours is lost, and nothing of theirs was overwritten.`,
    theirs: "What they changed",
    raceAbout: "If you keep yours, you see next what it changes against theirs, and then decide.",
    later: "Decide later",
    take: "Take theirs, drop mine",
    keep: "Keep mine, and review",
    takenTitle: "This id is taken",
    taken: (id: string, owner: string): string =>
      `The id ${id} belongs to “${owner}”, which is live. Nothing of it was changed, and nothing of yours is lost.`,
    otherId: "Choose another id",
    openOwner: "Open that campaign",
    testTitle: "Send a test",
    testAbout:
      "Puts what the preview shows on the real bus, once, marked as a test: its detail type ends in “Test” and it has metadata.test, so the rules of real messages do not catch it.",
    testNobody: "The preview shows nobody yet. Choose a user there first.",
    testUser: "User:",
    testOnBus: "It is on the bus. A rule with this pattern catches tests:",
    testPattern: "the pattern for tests",
    testDone: "Done",
    testNotNow: "Not now",
    testSending: "Sending…",
    testAgain: "Send once more",
    testSend: "Send the test",
  },

  difference: {
    fromNowOn: "for events from now on",
    unchanged: "Whoever is waited for now is still sent what they would have been sent.",
    nobody: "Nobody is waited for now: no one's message changes.",
    incomplete:
      "There are more users than can be read while you wait: that is of the first ones. `holdfast campaign diff` reads all.",
    paused: "The campaign is paused: until it is resumed, all that falls due is skipped.",
    effects: { gained: "sent now", lost: "not sent any more", changed: "changed" },
    skipped: (reason: string): string => `skipped: ${reason}`,
    tooLong: "The two texts are too long to be compared line by line: this is the new one.",
    what: "What changed",
  },

  history: {
    revisions: "Revisions",
    revision: (revision: number): string => `Revision ${revision}`,
    live: "Live",
    paused: "Paused",
    what: "What it changed",
    first: "the first revision",
    close: "Close",
    back: (revision: number): string => `Roll back to revision ${revision}`,
    rolled: (now: number, then: number): string => `Revision ${now} is live, and says what revision ${then} said.`,
    by: (name: string): string => `by ${name}`,
  },

  report: {
    none: "No numbers yet",
    noneAbout: "As soon as messages are decided on, they are counted here by day.",
    all: "In all",
    waitingNow: "Waiting now",
    byDay: "By day",
    whySkipped: "Why skipped",
    nothingSkipped: "Nothing was.",
    values: "Most frequent values",
    noValues: "None yet.",
    range: "Range",
    days: (days: number): string => `${days} days`,
    downloadDays: "Days as CSV",
    downloadConversions: "Conversions as CSV",
  },

  behind: {
    title: "Who:",
    kinds: {
      waiting: "Waiting now",
      sent: "Got a message",
      converted: "Converted",
      control: "Control group",
    },
    of: (kind: string): string => `Users: ${kind.toLowerCase()}`,
    none: "Nobody.",
    some: (count: number): string =>
      `The first ${number(count)} that were found: the table of users is looked through for a few seconds at most.`,
    about: "Of messages that may still convert: later, a user's part in the numbers cannot be told any more.",
  },

  outcome: {
    title: "What followed",
    about: "Conversions of these days' messages, and of those that the control group did not get.",
    none: "Nothing yet.",
    notCounted:
      "Conversions are not counted. Say what one is under Rules, “Does it work?”: then it stands here whether messages make a difference.",
    groups: "The groups that are compared",
    group: "Group",
    users: "Users",
    messages: "Messages",
    converted: "Converted",
    share: "Share",
    amount: (currency: string | null): string => (currency ? `Amount (${currency})` : "Amount"),
    compared: (variant: string | null, against: string | null): string =>
      `${variant ? `Variant ${variant}` : "All messages"}${against ? `, against ${groups[against] ?? `variant ${against}`}` : ""}`,
    treated: (variant: string | null): string => (variant ? `Variant ${variant}` : "Got a message"),
    against: (group: string | null): string => {
      const said = groups[group ?? ""] ?? `variant ${group ?? ""}`;
      return said.charAt(0).toUpperCase() + said.slice(1);
    },
    arm: (variant: string, group: string): string =>
      [group ? words.outcome.against(group) : "Messages", variant && `variant ${variant}`].filter(Boolean).join(", "),
    verdicts: {
      works: "Works",
      harms: "Harms",
      "not yet": "Not yet",
      "nothing to compare": "Nothing to compare",
    },
    percent: (share: number): string => percent.format(share),
    money: (value: number): string => money.format(value),
    sure: "Right in 95 % of cases, on whatever day one looks. Users count once their time to convert is over.",
    perUser: (low: number, high: number, currency: string | null): string =>
      `Of amounts: ${money.format(low)} to ${money.format(high)}${currency ? ` ${currency}` : ""} more per user.`,
    plainAbout: "That holds if one looks once; whoever looks daily is misled by it far more often.",
  },

  policy: {
    title: "Policy",
    about: "The rules for the messages of all campaigns together.",
    label: "The policy as YAML",
    none: "Not published: nothing holds for all campaigns",
    start: `# Rules for all campaigns together. What is left out forbids nothing.
zone: Europe/Berlin # where users live of whom nothing else is known
hours: {from: "08:00", to: "21:00"} # of campaigns that have no hours of their own
per_user: # of all campaigns together
  - {at_most: 1, in: 1 day}
# control: 2% # who gets no message of any campaign, to compare with
# exempt: [order-confirmation] # campaigns for which none of this holds
`,
    keys: "zone, hours (days, from, to, zone, otherwise), per_user (at_most, in), control, exempt. {} takes it back.",
    viewOnlyWhy: "Changing the policy takes the group “editor”.",
    publishTitle: "Publish the policy",
    publishAbout: "It is in force at once, for all campaigns: for messages that are due already, too.",
    same: "Nothing changes.",
    raced: (revision: number, by: string): string =>
      `Revision ${revision} was published${by ? ` by ${by}` : ""} meanwhile. Nothing was overwritten: below is what yours changes against it.`,
    isLive: (revision: number): string => `Revision ${revision} of the policy is live.`,
  },

  users: {
    title: "Users",
    of: (user: string): string => `User ${user}`,
    about: "Why a user did, did not, or will get a message.",
    label: "User id",
    placeholder: "User id, as upstream sends it",
    find: "Find",
    which: "Look up a user",
    whichAbout:
      "Type the id of a user, as it stands in the events. You will see their events, what is waited for, and each decision with its reason.",
    unknown: "This user is not known",
    unknownAbout: (user: string): string =>
      `Nothing is remembered of “${user}”: no event that a campaign names, and no profile. Is it the id that the events carry? E-mail addresses and names are not searched.`,
    also: "Why nothing may have come of an event",
    nothing: "Nothing waits, and nothing was sent",
    nothingAbout: (campaigns: number): string =>
      `A profile is held of this user, and none of the events that the ${many(campaigns, "campaign names", "campaigns name")}.`,
    summary: (counts: [string, number][]): string =>
      counts.map(([status, count]) => `${number(count)} ${status.toLowerCase()}`).join(" · "),
    profile: (count: number): string => `Profile: ${many(count, "property", "properties")}`,
    messageId: "Copy the message's id",
    said: "What the message says",
    wouldSay: "What the message would say",
    saidAbout: "Written with the profile and the data that are held now.",
    reload: "Refresh",
    latestFirst: "The latest first.",
    others: (count: number): string =>
      `${many(count, "other campaign", "other campaigns")} saw nothing of this user lately`,
    noCampaign: "No campaign is published.",
  },

  queues: {
    title: "Queues",
    names: { rejected: "Rejected", undelivered: "Undelivered" },
    about: {
      rejected:
        "Records that could not be read as events, by reason. Fix what sends them, or the campaign, then retry.",
      undelivered: "Messages that the bus did not take, by reason. Once that is fixed, retry: they keep their ids.",
    },
    empty: { rejected: "Every record that came in could be read.", undelivered: "The bus took every message." },
    nothing: "Nothing here",
    refresh: "Refresh",
    search: "Search reasons, campaigns and records",
    noneFound: "Nothing here has that in it.",
    count: (count: number): string => many(count, "message", "messages"),
    between: "from",
    and: "to",
    showOne: "Show an example",
    showMore: (count: number): string => `Show ${count} examples`,
    record: "the record",
    retry: (count: number): string => `Retry ${number(count)}`,
    retryAll: "Retry all",
    retryTitle: (count: number): string => `Retry ${many(count, "message", "messages")}?`,
    retryAbout: "They go on their way again. What fails again comes back with its new reason.",
    discard: (count: number): string => (count ? `Discard ${number(count)}` : "Discard"),
    discardTitle: (count: number): string => `Discard ${many(count, "message", "messages")}?`,
    discardAbout: "They are deleted for good, and cannot be brought back.",
    discarded: (count: number, left: number): string =>
      `${many(count, "message", "messages")} discarded; ${number(left)} left.`,
    retried: (count: number, left: number): string =>
      `${many(count, "message was", "messages were")} sent on ${count === 1 ? "its" : "their"} way again; ${number(left)} left. What fails again comes back within a minute.`,
    partly: (failed: string): string => `Not all: ${failed}`,
    working: "Working…",
    some: (looked: number, all: number): string =>
      `About ${number(all)} in all; these are of the first ${number(looked)}.`,
    reason: "Reason",
  },

  activity: {
    title: "Activity",
    about: "Who changed what, and when. The latest first.",
    none: "Nothing yet",
    noneAbout: "Whatever is published, paused, retried, discarded or tested stands here, with who did it.",
    search: "Search activity",
    noneFound: "No activity has that in it.",
    nobody: "unknown",
    actions: {
      published: (campaign: string, revision: number | null): string =>
        `published revision ${revision ?? "?"} of ${campaign}`,
      "rolled back": (campaign: string, revision: number | null): string =>
        `rolled back ${campaign}: revision ${revision ?? "?"}`,
      paused: (campaign: string): string => `paused ${campaign}`,
      resumed: (campaign: string): string => `resumed ${campaign}`,
      deleted: (campaign: string): string => `deleted ${campaign}`,
      tested: (campaign: string): string => `sent a test of ${campaign}`,
      retried: (queue: string, _: number | null, count: number | null): string =>
        `retried ${many(count ?? 0, "message", "messages")} of ${queue}`,
      discarded: (queue: string, _: number | null, count: number | null): string =>
        `discarded ${many(count ?? 0, "message", "messages")} of ${queue}`,
    } as Record<string, (of: string, revision: number | null, count: number | null) => string>,
    other: (action: string, of: string): string => `${action} ${of}`,
  },

  palette: {
    label: "Go to",
    input: "Go to a campaign, a user, a queue",
    placeholder: "A campaign, a user id, a queue",
    places: "Places",
    campaign: "campaign",
    page: "page",
    queue: "queue",
    user: "user",
  },

  parts: {
    loading: "Loading",
    retry: "Try again",
    copy: "Copy",
    copied: "Copied",
    copyOf: (label: string): string => `Copy ${label}`,
    copyFailed: "The browser does not allow copying here: select the text, and copy it with the keyboard.",
    close: "Close",
    fits: (label: string): string => `Suggestions: ${label}`,
    dismiss: "Dismiss",
  },
};
