/* Filters and order for a page that is whole without them. It moves and hides what is there. */
"use strict";
(() => {
	const form = document.getElementById("filters");
	const flat = document.getElementById("flat");
	const grouped = document.getElementById("findings");
	const groups = [...document.querySelectorAll("details.group")];
	const findings = [...document.querySelectorAll("details.finding")];
	const home = new Map(findings.map((f) => [f, f.parentNode]));
	const number = (f, key) => Number(f.dataset[key] || 0);

	const wanted = () => {
		const on = form.querySelectorAll("[name=severity]:checked");
		const severities = new Set([...on].map((box) => box.value));
		const cause = form.elements.cause.value;
		const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);

		return (f) =>
			severities.has(f.dataset.severity) &&
			(!cause || f.dataset.cause === cause) &&
			words.every((w) => f.dataset.flow.toLowerCase().includes(w));
	};

	/* Groups whose findings are only counted stay while nothing but their cause could hide them. */
	const hideGroup = (group) => {
		const own = [...group.querySelectorAll("details.finding")];
		const cause = form.elements.cause.value;
		const box = form.querySelector("[value=" + group.dataset.severity + "]");

		if (own.length)
			group.hidden = own.every((f) => f.hidden);
		else
			group.hidden = (cause !== "" && cause !== group.dataset.cause) || !box.checked;
	};

	const filter = () => {
		const keep = wanted();
		let n = 0;

		for (const f of findings) {
			f.hidden = !keep(f);
			n += f.hidden ? 0 : 1;
		}
		groups.forEach(hideGroup);
		form.elements.shown.value = n + " of " + findings.length + " shown";
	};

	const order = () => {
		const key = form.elements.order.value;

		grouped.hidden = key !== "";
		flat.hidden = key === "";
		if (key === "")
			findings.forEach((f) => home.get(f).append(f));
		else
			[...findings]
				.sort((a, b) =>
					key === "n" ? number(a, "n") - number(b, "n")
						: number(b, key) - number(a, key) || number(a, "n") - number(b, "n"))
				.forEach((f) => flat.append(f));
	};

	const setOpen = (open) => {
		for (const d of [...groups, ...findings])
			if (!d.hidden)
				d.open = open || (d.classList.contains("group") && d.dataset.severity !== "benign");
	};

	/* A link to a cause opens its group, which may be closed. */
	const follow = () => {
		const target = location.hash.startsWith("#cause-") && document.getElementById(location.hash.slice(1));

		if (!target)
			return;
		if (form.elements.order.value !== "") {
			form.elements.order.value = "";
			order();
		}
		target.open = true;
		target.scrollIntoView();
	};

	if (!findings.length)
		return;
	for (const group of groups) {
		const option = document.createElement("option");

		option.value = option.textContent = group.dataset.cause;
		form.elements.cause.append(option);
	}
	form.addEventListener("input", () => {
		order();
		filter();
	});
	form.addEventListener("submit", (event) => event.preventDefault());
	form.elements.open.addEventListener("click", () => setOpen(true));
	form.elements.close.addEventListener("click", () => setOpen(false));
	addEventListener("hashchange", follow);
	/* On paper nothing can be opened. */
	addEventListener("beforeprint", () => {
		for (const d of [...groups, ...findings])
			d.open = d.open || d.dataset.severity !== "benign";
	});
	form.hidden = false;
	order();
	filter();
	follow();
})();
