/** A notebook in JupyterLab's page, worked as a person does. */
import type { Locator, Page } from 'playwright-core';

/** Opens a notebook and waits until its kernel is idle. */
export async function openNotebook(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByText('Python 3 (ipykernel) | Idle').waitFor();
}

/** Runs the cell with this number. */
export async function runCell(page: Page, number: number): Promise<void> {
  await page.locator('.jp-Notebook .jp-CodeCell .cm-content').nth(number).click();
  await page.keyboard.press('Shift+Enter');
}

/** The outputs of the cell with this number. */
export function output(page: Page, number: number): Locator {
  return page.locator('.jp-Notebook .jp-CodeCell').nth(number).locator('.jp-OutputArea-output');
}

/** The lines that a cell has printed. */
export async function outputLines(page: Page, number: number): Promise<string[]> {
  const texts = await output(page, number).allInnerTexts();
  return texts.flatMap((text) => text.split('\n')).filter((line) => line !== '');
}
