"""CSS of the page, in Python so that it is installed with the package."""

STYLE = """
.reid-page { max-width: 1180px; margin: 0 auto; }
.reid-page h1 { font-size: 1.5rem; margin: .25rem 0; }
.reid-message, .reid-verdict {
  margin: 0 0 1rem; padding: .7rem .9rem; border-left: 4px solid #0072b2; font-size: 1rem;
  background: var(--background-fill-secondary); color: var(--body-text-color);
}
.reid-message, .reid-unknown { border-left-color: #d55e00; }
.reid-hits {
  list-style: none; margin: 0; padding: 0; display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fill, minmax(124px, 1fr));
}
.reid-hits li { margin: 0; }
.reid-hits figure, .reid-query figure { margin: 0; }
.reid-hits img, .reid-missing {
  width: 100%; height: 200px; object-fit: contain; background: var(--background-fill-secondary);
  border-radius: 6px;
}
.reid-missing { display: grid; place-items: center; color: var(--body-text-color); opacity: .75; }
.reid-hits figcaption { font-size: .82rem; line-height: 1.4; color: var(--body-text-color); }
.reid-hits figcaption b { font-size: .95rem; margin-right: .35rem; }
.reid-hits figcaption span { display: block; color: var(--body-text-color); opacity: .75; }
.reid-hits figcaption .reid-distance {
  display: inline; font-variant-numeric: tabular-nums; opacity: 1;
}
.reid-name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.reid-query { display: flex; gap: 10px; }
.reid-query figure { flex: 1 1 0; min-width: 0; }
.reid-query img { width: 100%; height: auto; max-height: 300px; object-fit: contain; }
.reid-query figcaption { font-size: .82rem; text-align: center; }
@media (max-width: 660px) {  /* query, answers, settings */
  .reid-left { display: contents !important; }
  .reid-right { order: 1; }
  .reid-settings { order: 2; }
}
"""
